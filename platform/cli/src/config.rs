//! `bongsu config`: what everybody decides under, who has taken it, and what was refused and why.

use std::process::ExitCode;

use anyhow::Result;
use bongsu_host::config::schema::Setting;
use supervisor::configuration::{Acknowledged, Shown};

use crate::args::{Config, ConfigDeed, Place};
use crate::screen::{print, table};

/// Does what is wanted, and prints how it is then.
pub(crate) async fn config(place: &Place, flags: &Config) -> Result<ExitCode> {
    let client = place.client()?;
    let shown = match &flags.deed {
        Some(ConfigDeed::Settings { service }) => {
            settings(&client.settings(service).await?, flags.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(ConfigDeed::Apply) => client.apply_configuration().await?,
        None => client.configuration().await?,
    };
    if flags.json {
        print(&serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    lines(&shown).iter().all(|line| print(line));
    Ok(ExitCode::SUCCESS)
}

fn lines(shown: &Shown) -> Vec<String> {
    let Shown { repository, environment, branch, state, .. } = shown;
    let none = || "none".to_owned();
    let mut lines = vec![
        format!("repository  {repository}, branch {branch}, config/{environment}"),
        format!("revision    {}", shown.revision.clone().unwrap_or_else(none)),
        format!("head        {}", shown.head.clone().unwrap_or_else(none)),
        format!("state       {state}{}", shown.reason.as_ref().map_or(String::new(), |why| format!(": {why}"))),
    ];
    if let Some(refused) = &shown.refused {
        lines.push(format!("refused     {} at {}: {}", refused.revision, refused.at, refused.reason));
    }
    let head = ["INSTANCE", "REVISION", "TAKEN"].map(str::to_owned).to_vec();
    lines.push(String::new());
    lines.extend(table(&std::iter::once(head).chain(shown.instances.iter().map(cells)).collect::<Vec<_>>()));
    lines
}

fn cells(row: &Acknowledged) -> Vec<String> {
    let taken = match (row.acknowledged, row.out) {
        (true, _) => "yes",
        (false, true) => "no, and gets no requests",
        (false, false) => "no",
    };
    vec![row.instance.clone(), row.revision.clone().unwrap_or_else(|| "-".to_owned()), taken.to_owned()]
}

fn settings(all: &[Setting], json: bool) -> Result<()> {
    if json {
        print(&serde_json::to_string_pretty(all)?);
        return Ok(());
    }
    let head = ["KEY", "TAKES", "DEFAULT", "CHANGES"].map(str::to_owned).to_vec();
    let row = |setting: &Setting| {
        let default = setting.default.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let changes = if setting.live { "live" } else { "restart" };
        vec![setting.key.clone(), setting.kind.said(), default, changes.to_owned()]
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(all.iter().map(row)).collect();
    table(&rows).iter().all(|line| print(line));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_counts_who_has_taken_it_and_what_was_refused() {
        let row = |instance: &str, revision: Option<&str>, acknowledged, out| Acknowledged {
            instance: instance.to_owned(),
            revision: revision.map(str::to_owned),
            acknowledged,
            out,
        };
        let shown = Shown {
            repository: "/settings".into(),
            environment: "dev".into(),
            branch: "main".into(),
            revision: Some("aaa".into()),
            head: Some("bbb".into()),
            state: "stale".into(),
            reason: Some("bbb was refused: no".into()),
            refused: Some(supervisor::configuration::Refused {
                revision: "bbb".into(),
                reason: "no".into(),
                at: "2026-01-31T09:30:00.000Z".into(),
            }),
            instances: vec![row("door-1", Some("aaa"), true, false), row("door-2", None, false, true)],
        };
        let expected = [
            "repository  /settings, branch main, config/dev",
            "revision    aaa",
            "head        bbb",
            "state       stale: bbb was refused: no",
            "refused     bbb at 2026-01-31T09:30:00.000Z: no",
            "",
            "INSTANCE  REVISION  TAKEN",
            "door-1    aaa       yes",
            "door-2    -         no, and gets no requests",
        ];
        assert_eq!(lines(&shown), expected);
    }
}
