// Command traefik reads files of dynamic configuration as Traefik's file provider does, or after "static" the arguments of
// Traefik's program as it does itself, and says what it does not like.
package main

import (
	"fmt"
	"os"
	"regexp"

	"github.com/traefik/paerser/flag"
	"github.com/traefik/traefik/v3/cmd"
	"github.com/traefik/traefik/v3/pkg/provider/file"
)

// Traefik passes over a section that it does not know; it would stay without effect.
var sections = regexp.MustCompile(`(?m)^["']?([^\s#"':-][^\s"':]*)["']?\s*:`)
var known = map[string]bool{"http": true, "tcp": true, "udp": true, "tls": true}

func takes(arguments []string) error {
	configuration := cmd.NewTraefikConfiguration()
	if err := flag.Decode(arguments, configuration); err != nil {
		return err
	}
	configuration.SetEffectiveConfiguration()
	return configuration.ValidateConfiguration()
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "static" {
		if err := takes(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, found := range sections.FindAllSubmatch(text, -1) {
			if !known[string(found[1])] {
				fmt.Fprintf(os.Stderr, "unknown section: %s\n", found[1])
				os.Exit(1)
			}
		}
		if _, err := (&file.Provider{}).DecodeConfiguration(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
