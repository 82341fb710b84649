//! An organization as a folder of files. `crates/cli/sample/acme/README.md` describes the files.

#[cfg(test)]
mod fuzz;
mod model;
mod read;
mod sample;

pub(crate) use model::{
    FolderAssignment, FolderLegacySetting, FolderMember, FolderMembership, FolderUpdateMode, OrganizationFolder,
};
