//! An organization as a folder of files. `crates/cli/sample/acme/README.md` describes the files.

mod model;
mod read;

pub use model::{
    FolderAssignment, FolderLegacySetting, FolderMember, FolderMembership, FolderUpdateMode, OrganizationFolder,
};
