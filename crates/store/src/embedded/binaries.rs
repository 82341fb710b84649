//! Finds the folder with the server's binaries: distributions put it in different places, mostly not on `PATH`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Folders whose entries starting with the prefix are one installed version each, with the binaries in `bin`.
const VERSIONED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// A folder that holds `initdb`, `pg_ctl` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinaries {
    dir: PathBuf,
}

impl ServerBinaries {
    /// Looks at `PG_BIN_DIR` (and then nowhere else), `pg_config --bindir`, `PATH` and the places where packages put
    /// them, the newest version first.
    ///
    /// # Errors
    /// When there is no complete set; the message says how to get one.
    pub fn find() -> Result<Self, EmbeddedError> {
        let mut all = Self::installed()?;
        Ok(all.swap_remove(0))
    }

    /// The binaries that made `data_dir`'s cluster, so that a newer version installed later changes nothing.
    pub(super) fn find_for(data_dir: &Path, made_by: u32) -> Result<Self, EmbeddedError> {
        let mut newest = None;
        for binaries in Self::installed()? {
            let installed = binaries.major_version()?;
            if installed == made_by {
                return Ok(binaries);
            }
            newest = newest.max(Some(installed));
        }
        let data_dir = data_dir.to_owned();
        Err(EmbeddedError::OtherVersion { data_dir, made_by, installed: newest.unwrap_or_default() })
    }

    /// Every complete set in order of preference, never empty.
    fn installed() -> Result<Vec<Self>, EmbeddedError> {
        if let Some(dir) = env::var_os("PG_BIN_DIR") {
            let dir = PathBuf::from(dir);
            return match missing_in(&dir) {
                Some(missing) => Err(EmbeddedError::IncompleteBinDir { dir, missing }),
                None => Ok(vec![Self { dir }]),
            };
        }
        let candidates = candidates();
        let found: Vec<Self> =
            candidates.iter().filter(|dir| missing_in(dir).is_none()).map(|dir| Self { dir: dir.clone() }).collect();
        if found.is_empty() {
            let looked = candidates.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(EmbeddedError::NoBinaries { looked });
        }
        Ok(found)
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The major version that `postgres --version` reports.
    ///
    /// # Errors
    /// When `postgres` does not run or says something else.
    pub fn major_version(&self) -> Result<u32, EmbeddedError> {
        let program = self.path("postgres");
        let output = Command::new(&program).arg("--version").output().map_err(EmbeddedError::spawn(&program))?;
        let said = String::from_utf8_lossy(&output.stdout);
        first_number(&said).ok_or_else(|| EmbeddedError::Spawn {
            program: format!("{} --version", program.display()),
            cause: std::io::Error::other(format!("it said {:?} ({})", said.trim(), output.status)),
        })
    }

    /// The full path of one of the binaries.
    pub(super) fn path(&self, binary: &str) -> PathBuf {
        self.dir.join(binary)
    }
}

fn missing_in(dir: &Path) -> Option<&'static str> {
    NEEDED.into_iter().find(|binary| !dir.is_absolute() || !dir.join(binary).is_file())
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = pg_config_bindir().into_iter().collect();
    if let Some(path) = env::var_os("PATH") {
        dirs.extend(env::split_paths(&path));
    }
    for (parent, prefix) in VERSIONED {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let versions = newest_first(names.filter(|name| name.starts_with(prefix)).collect());
        dirs.extend(versions.iter().map(|version| Path::new(parent).join(version).join("bin")));
    }
    let mut seen = std::collections::HashSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    dirs
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(dir.trim()))
}

/// By number, not by letter: 9.6 is older than 10.
fn newest_first(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| std::cmp::Reverse(first_number(name)));
    names
}

fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
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
