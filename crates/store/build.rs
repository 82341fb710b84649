//! The migrations are embedded by a macro, which cargo cannot see: build again when they change.

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
    for folder in folders {
        fs::read(folder.path().join("up.sql"))?.hash(&mut hash);
    }
    println!("cargo::rustc-env=ROLLCALL_SCHEMA_HASH={:016x}", hash.finish());
    Ok(())
}
