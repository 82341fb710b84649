//! The sample organization, in the program itself so that the demo works anywhere.

use rollcall_domain::OrganizationId;

use super::{Folder, read};
use crate::error::{Error, Result};

macro_rules! sample {
    ($($file:literal),*) => {
        /// Files by name, as they are in the repository.
        const FILES: &[(&str, &[u8])] = &[$(($file, include_bytes!(concat!("../../sample/acme/", $file)))),*];
    };
}

sample!("members.csv", "groups.csv", "assignments.json", "legacy_email_export.csv");

impl Folder {
    /// The sample `acme`.
    ///
    /// # Errors
    /// None, unless the program was built from a broken sample.
    pub(crate) fn sample() -> Result<Self> {
        read::folder(OrganizationId::trusted("acme"), |file| {
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
        assert_eq!(Folder::sample().unwrap(), Folder::read(&dir).unwrap());
    }
}
