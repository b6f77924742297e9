#![doc = include_str!("cookbook/index.md")]

#[doc = include_str!("cookbook/machines.md")]
pub mod machines {}

#[doc = include_str!("cookbook/networks.md")]
pub mod networks {}

#[doc = include_str!("cookbook/guests.md")]
pub mod guests {}

#[doc = include_str!("cookbook/clusters.md")]
pub mod clusters {}

#[doc = include_str!("cookbook/clouds.md")]
pub mod clouds {}

#[doc = include_str!("cookbook/changes.md")]
pub mod changes {}

#[cfg(test)]
mod tests {
    /// The headings of a page, and not the hidden lines of its programs.
    fn tasks(page: &str) -> impl Iterator<Item = &str> {
        page.split("```").step_by(2).flat_map(str::lines).filter_map(|line| line.strip_prefix("# "))
    }

    #[test]
    fn the_index_has_every_task_and_each_has_a_program_that_runs() {
        let index = include_str!("cookbook/index.md");
        let pages = [
            ("machines", include_str!("cookbook/machines.md")),
            ("networks", include_str!("cookbook/networks.md")),
            ("guests", include_str!("cookbook/guests.md")),
            ("clusters", include_str!("cookbook/clusters.md")),
            ("clouds", include_str!("cookbook/clouds.md")),
            ("changes", include_str!("cookbook/changes.md")),
        ];
        let mut count = 0;
        for (module, page) in pages {
            for task in tasks(page) {
                let anchor: String = task
                    .to_lowercase()
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -".contains(*c))
                    .collect();
                let line = format!("- [{task}]({module}#{})", anchor.replace(' ', "-"));
                assert!(index.contains(&line), "the index lacks:\n{line}");
                count += 1;
            }
            let programs = page.matches("\n```").count() / 2;
            assert!(programs >= tasks(page).count(), "a task of {module} has no program");
            assert!(
                !page.contains("no_run") && !page.contains("ignore"),
                "{module} has a program that does not run"
            );
        }
        assert_eq!(index.matches("\n- [").count(), count, "the index has a task that no page has");
        assert!(count >= 15, "{count} tasks");
    }
}
