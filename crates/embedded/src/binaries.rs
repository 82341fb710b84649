//! Finds the folder of the server programs. Distributions use different folders, and most of them are not on `PATH`.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use crate::{Error, Result};

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Parent folders of installed versions. A version is an entry that starts with the prefix; its programs are in `bin`.
const VERSIONED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// Returns the folder of the preferred version. `PG_BIN_DIR` is the only choice if it is set. Otherwise the order is
/// `pg_config --bindir`, `PATH` and the folders of packages, the newest version first.
pub(crate) fn find() -> Result<PathBuf> {
    Ok(installed()?.swap_remove(0))
}

/// Returns the folder of the major version that made the cluster in `data_dir`. So a newer version that is installed
/// later changes nothing.
pub(crate) fn find_version(made_by: u32, data_dir: &Path) -> Result<PathBuf> {
    let mut newest = 0;
    for dir in installed()? {
        let version = major_version(&dir)?;
        if version == made_by {
            return Ok(dir);
        }
        newest = newest.max(version);
    }
    Err(Error::new(format!(
        "{} was made by postgres {made_by}, but postgres {newest} is installed: install postgresql {made_by}, \
         or choose another directory with --data-dir",
        data_dir.display()
    )))
}

/// Returns the first whole number in a text such as `postgres (PostgreSQL) 15.18` or `postgresql@17`.
pub(crate) fn first_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
}

/// The version that `postgres --version` reports.
pub(crate) fn major_version(dir: &Path) -> Result<u32> {
    let program = dir.join("postgres");
    let output = Command::new(&program).arg("--version").output().map_err(Error::spawn(&program))?;
    let version = String::from_utf8_lossy(&output.stdout);
    first_number(&version).ok_or_else(|| {
        let cause = format!("it printed {:?} as its version ({})", version.trim(), output.status);
        Error::spawn(&program)(io::Error::other(cause))
    })
}

/// Returns every folder that has all programs, in order of preference. The list is never empty.
fn installed() -> Result<Vec<PathBuf>> {
    if let Some(dir) = env::var_os("PG_BIN_DIR").map(PathBuf::from) {
        return match missing_program(&dir) {
            Some(missing) => Err(Error::new(format!(
                "PG_BIN_DIR is {}, which lacks {missing}: name the folder that holds initdb, pg_ctl and postgres, \
                 or unset it",
                dir.display()
            ))),
            None => Ok(vec![dir]),
        };
    }
    let (found, incomplete): (Vec<_>, Vec<_>) =
        candidates().into_iter().partition(|dir| missing_program(dir).is_none());
    if found.is_empty() {
        let looked: Vec<String> = incomplete.iter().map(|dir| dir.display().to_string()).collect();
        return Err(Error::new(format!(
            "no postgres server was found (initdb, pg_ctl and postgres in one folder; looked in {}): \
             run scripts/setup, install postgresql, name its folder in PG_BIN_DIR, or give DATABASE_URL",
            looked.join(", ")
        )));
    }
    Ok(found)
}

fn missing_program(dir: &Path) -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| !dir.is_absolute() || !dir.join(program).is_file())
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = pg_config_bindir().into_iter().collect();
    dirs.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    for (parent, prefix) in VERSIONED {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let versions = newest_first(names.filter(|name| name.starts_with(prefix)).collect());
        dirs.extend(versions.iter().map(|version| Path::new(parent).join(version).join("bin")));
    }
    dirs
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(dir.trim()))
}

/// Sorts by number, not by letter: 9.6 is older than 10.
fn newest_first(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| Reverse(first_number(name)));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_come_first_by_number() {
        let names = ["9.6", "latest", "15", "10"].map(String::from).to_vec();
        assert_eq!(newest_first(names), ["15", "10", "9.6", "latest"]);
    }

    #[test]
    fn the_major_version_is_read_from_every_form_of_version_text() {
        assert_eq!(first_number("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(first_number("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(first_number("postgresql@17"), Some(17));
        assert_eq!(first_number("nonsense"), None);
    }
}
