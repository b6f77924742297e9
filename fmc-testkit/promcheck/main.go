// promcheck loads a configuration and rule files by the packages by which Prometheus loads them, or with `alertmanager` and a file,
// a configuration by the package by which Alertmanager loads it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	alertmanager "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "alertmanager" {
		alerts(os.Args[2], os.Args[3:])
		return
	}
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

// alerts prints the receivers of a configuration, and for each severity that is named the receiver that its alerts go to.
func alerts(file string, severities []string) {
	loaded, err := alertmanager.LoadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, one := range loaded.Receivers {
		for _, file := range secrets(one) {
			if _, err := os.Stat(file); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		fmt.Println("receiver", one.Name, len(one.WebhookConfigs), len(one.EmailConfigs), len(one.SlackConfigs))
	}
	for _, severity := range severities {
		labels := model.LabelSet{"alertname": "A", "severity": model.LabelValue(severity)}
		for _, route := range dispatch.NewRoute(loaded.Route, nil).Match(labels) {
			fmt.Println("severity", severity, route.RouteOpts.Receiver)
		}
	}
}

// secrets lists the files with the secrets of a receiver.
func secrets(of alertmanager.Receiver) []string {
	var files []string
	for _, one := range of.WebhookConfigs {
		if one.HTTPConfig != nil && one.HTTPConfig.Authorization != nil {
			files = append(files, one.HTTPConfig.Authorization.CredentialsFile)
		}
		if one.URLFile != "" {
			files = append(files, one.URLFile)
		}
	}
	for _, one := range of.EmailConfigs {
		if one.AuthPasswordFile != "" {
			files = append(files, one.AuthPasswordFile)
		}
	}
	for _, one := range of.SlackConfigs {
		files = append(files, one.APIURLFile)
	}
	return files
}
