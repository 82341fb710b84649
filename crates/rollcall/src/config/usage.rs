//! Reads the command line, and says in one line what is wrong with it.

use std::ffi::OsString;

use clap::{
    Arg, Command, CommandFactory as _, FromArgMatches as _,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

use rollcall_app::reports::redact_reports_url;

use super::values::redact;
use crate::{
    commands::Cli,
    error::{Error, Result},
};

/// The command line as clap knows it. Help shows variables without their values, which may be secret; a variable that is
/// set but empty is one that is not set.
fn command() -> Command {
    Cli::command().mut_args(|arg| {
        let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let arg = arg.hide_env_values(true);
        if empty { arg.env(Resettable::Reset) } else { arg }
    })
}

/// Reads the arguments; nothing when they only ask for help or the version, which is then printed.
///
/// # Errors
/// One line that names the flag, its variable, what was given and what is allowed.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>> {
    let mut command = command();
    let read = command.try_get_matches_from_mut(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match read {
        Ok(cli) => Ok(Some(cli)),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // Nobody to tell when the output is closed.
            let _ = error.print();
            Ok(None)
        }
        Err(error) => Err(Error::usage(one_line(&command, &error))),
    }
}

fn one_line(command: &Command, error: &clap::Error) -> String {
    bad_value(command, error).unwrap_or_else(|| first_paragraph(error))
}

/// A value that is not allowed: `--listen (ROLLCALL_LISTEN) is "here": give ...`.
fn bad_value(command: &Command, error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg)?;
    let given = text(ContextKind::InvalidValue).filter(|given| !given.is_empty());
    let reason = match (std::error::Error::source(error), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string(),
        (None, Some(ContextValue::Strings(allowed))) if !allowed.is_empty() => format!("give {}", allowed.join(" or ")),
        _ if error.kind() == ErrorKind::InvalidValue => "give one, or see rollcall --help".to_owned(),
        _ => return None,
    };
    let name = argument.split([' ', '=']).next().unwrap_or(argument);
    let flag = find(command, name);
    let variable = flag.and_then(Arg::get_env).map(|variable| format!(" ({})", variable.display()));
    let variable = variable.unwrap_or_default();
    Some(match given {
        Some(given) if name == "--database-url" => format!("{name}{variable} is \"{}\": {reason}", redact(given)),
        Some(given) if name == "--reports-url" => {
            format!("{name}{variable} is \"{}\": {reason}", redact_reports_url(given))
        }
        Some(given) => format!("{name}{variable} is {given:?}: {reason}"),
        None => format!("{name}{variable} has no value: {reason}"),
    })
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let long = name.strip_prefix("--")?;
    let here = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    here.or_else(|| command.get_subcommands().find_map(|command| find(command, name)))
}

/// Everything else: clap's own words, up to its usage lines.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let what = lines.iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let tip = lines.iter().find(|line| line.starts_with("tip:")).map(|tip| format!("; {tip}"));
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    format!("{what}{}; see rollcall --help", tip.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let arguments = ["rollcall"].iter().chain(arguments).map(OsString::from);
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_bad_value_names_flag_variable_value_and_what_is_allowed() {
        assert_eq!(
            refusal(&["serve", "--listen", "here"]),
            "--listen (ROLLCALL_LISTEN) is \"here\": give an IP address and a port, such as 127.0.0.1:50051, \
             0.0.0.0:50051 or [::]:50051"
        );
        assert_eq!(
            refusal(&["--report-time-zone", "Berlin"]),
            "--report-time-zone (ROLLCALL_REPORT_TIME_ZONE) is \"Berlin\": give the IANA name of a time zone, such as \
             Europe/Berlin, America/New_York or UTC"
        );
        let schedule = refusal(&["--report-schedule", "nightly"]);
        assert!(
            schedule.starts_with("--report-schedule (ROLLCALL_REPORT_SCHEDULE) is \"nightly\": give five fields"),
            "{schedule}"
        );
        assert_eq!(
            refusal(&["--log-format", "xml"]),
            "--log-format (ROLLCALL_LOG_FORMAT) is \"xml\": give text or json"
        );
        assert_eq!(
            refusal(&["--database-url=mysql://ann:secret@db/rollcall"]),
            "--database-url (DATABASE_URL) is \"mysql://ann:***@db/rollcall\": give a URL such as \
             postgres://user:password@host:5432/name"
        );
    }

    #[test]
    fn the_report_has_the_schedule_and_time_zone_of_the_flags() {
        let schedule = |arguments: &[&str]| {
            let arguments = ["rollcall"].iter().chain(arguments).map(OsString::from);
            let schedule = parse(arguments).unwrap().unwrap().config.job_options().report_schedule;
            format!("{} {}", schedule.cron, schedule.time_zone.name())
        };
        assert_eq!(schedule(&[]), "0 2 * * * UTC");
        let given = ["jobs", "--report-schedule", "30 1 * * 1-5", "--report-time-zone", "Asia/Kolkata"];
        assert_eq!(schedule(&given), "30 1 * * 1-5 Asia/Kolkata");
    }

    #[test]
    fn other_mistakes_are_one_line_too() {
        for arguments in [&["--lisen", "x"][..], &["import"], &["job"], &["job", "run"], &["dance"], &["--listen"]] {
            let line = refusal(arguments);
            assert!(!line.contains('\n') && line.contains("--help"), "{line}");
        }
    }
}
