//! Many writers on one organization.

pub(crate) mod calls;
pub(crate) mod organization;
pub(crate) mod syncs;
pub(crate) mod writers;
