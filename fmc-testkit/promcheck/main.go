// promcheck loads a configuration and rule files by the packages by which Prometheus loads them.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	loaded, err := config.LoadFile(os.Args[1], false, promslog.NewNopLogger())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, pattern := range loaded.RuleFiles {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("no rule file is %s", pattern)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, file := range files {
			groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
			for _, err := range errs {
				fmt.Fprintln(os.Stderr, err)
			}
			if len(errs) > 0 {
				os.Exit(1)
			}
			for _, group := range groups.Groups {
				for _, rule := range group.Rules {
					fmt.Println("rule", group.Name, rule.Alert)
				}
			}
		}
	}
	for _, job := range loaded.ScrapeConfigs {
		fmt.Println("job", job.JobName)
	}
}
