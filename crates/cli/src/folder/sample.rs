//! The sample organization `acme`, built into the program so that `rollcall demo` needs no files.

use rollcall_domain::OrganizationId;

use super::{model::OrganizationFolder, read::parse_files};
use crate::error::{Error, Result};

macro_rules! sample {
    ($($file:literal),*) => {
        /// The files of `crates/cli/sample/acme`, by name.
        const FILES: &[(&str, &[u8])] = &[$(($file, include_bytes!(concat!("../../sample/acme/", $file)))),*];
    };
}

sample!("members.csv", "groups.csv", "assignments.json", "legacy_email_export.csv");

impl OrganizationFolder {
    /// Returns the sample `acme`.
    ///
    /// # Errors
    /// The program was built with an invalid sample.
    pub(crate) fn sample() -> Result<Self> {
        parse_files(OrganizationId::trusted("acme"), |file| {
            let found = FILES.iter().find(|(name, _)| *name == file);
            found.map(|(_, content)| content.to_vec()).ok_or_else(|| Error::failed(format!("{file} is not built in")))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_sample_in_the_program_is_the_one_of_the_repository() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/acme");
        assert_eq!(OrganizationFolder::sample().unwrap(), OrganizationFolder::read(&dir).unwrap());
    }
}
