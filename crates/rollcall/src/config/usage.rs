//! Parses the command line. An error is one line.

use std::ffi::OsString;

use clap::{
    Arg, Command, Parser,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

use rollcall_app::reports::redact_reports_url;

use super::values::redact;
use crate::error::{Error, Result};

/// Returns the command line for clap. Help shows variables without their values, which may be secret. An empty variable
/// counts as not set.
fn command<T: Parser>() -> Command {
    T::command().mut_args(|arg| {
        let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let arg = arg.hide_env_values(true);
        if empty { arg.env(Resettable::Reset) } else { arg }
    })
}

/// Parses the arguments. Returns `None` after printing the help or the version.
///
/// # Errors
/// A flag or a value is wrong. The error names the flag, its variable, the given value and the allowed values.
pub(crate) fn parse<T: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<T>> {
    let mut command = command::<T>();
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| T::from_arg_matches(&matches));
    match parsed {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A closed stdout is not an error of the command line.
            let _ = error.print();
            Ok(None)
        }
        Err(error) => Err(Error::usage(one_line(&command, &error))),
    }
}

fn one_line(command: &Command, error: &clap::Error) -> String {
    bad_value(command, error).unwrap_or_else(|| first_paragraph(error))
}

/// Describes a value that is not allowed: `--listen (ROLLCALL_LISTEN) is "here": give ...`.
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

/// Returns clap's message of any other error, without the usage lines.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let what = lines.iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let tip = lines.iter().find(|line| line.starts_with("tip:")).map(|tip| format!("; {tip}"));
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    format!("{what}{}; see rollcall --help", tip.unwrap_or_default())
}
