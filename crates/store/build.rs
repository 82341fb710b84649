//! The migrations are embedded by a macro, which cargo cannot see: build again when they change. The embedded migrations
//! do not show their SQL, so the names of the indexes that they build concurrently are passed on too.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::Path,
};

fn main() -> io::Result<()> {
    let migrations = Path::new("../../migrations");
    println!("cargo::rerun-if-changed={}", migrations.display());
    let mut folders: Vec<_> = fs::read_dir(migrations)?.collect::<Result<_, _>>()?;
    folders.retain(|entry| entry.path().is_dir());
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut hash = DefaultHasher::new();
    let mut indexes = Vec::new();
    for folder in folders {
        let up = fs::read_to_string(folder.path().join("up.sql"))?;
        up.as_bytes().hash(&mut hash);
        let name = folder.file_name();
        // diesel's version of a migration: the first part of the folder's name, without the dashes.
        let version = name.to_string_lossy().split('_').next().unwrap_or_default().replace('-', "");
        indexes.extend(concurrent_index(&up).map(|index| format!("{version}={index}")));
    }
    fs::read("src/protection.sql")?.hash(&mut hash);
    println!("cargo::rerun-if-changed=src/protection.sql");
    println!("cargo::rustc-env=ROLLCALL_SCHEMA_HASH={:016x}", hash.finish());
    println!("cargo::rustc-env=ROLLCALL_CONCURRENT_INDEXES={}", indexes.join(","));
    Ok(())
}

/// Returns the name of the index that a migration builds with `CREATE INDEX CONCURRENTLY`.
fn concurrent_index(up: &str) -> Option<&str> {
    let statement = up.lines().find(|line| line.starts_with("CREATE ") && line.contains(" INDEX CONCURRENTLY "))?;
    let (_, name) = statement.split_once(" INDEX CONCURRENTLY ")?;
    name.split_whitespace().next()
}
