//! The kinds of calls. The contract tells the kind of each RPC: the service and the types of its messages.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// The number of kinds.
pub(super) const KINDS: usize = 5;

/// What a call does to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// An RPC of `EmailExportService`.
    Check,
    /// Another read.
    Read,
    /// A change: its request has a `request_id`.
    Write,
    /// A stream of requests: a directory sync or an import.
    Bulk,
    /// A stream of responses: an export or a download.
    Stream,
}

impl CallKind {
    /// The place of the kind in an array of all kinds.
    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// How many bytes of memory a call needs for each byte of its messages on the wire. The benchmark `bulk` prints what it
    /// measures for a sync.
    pub(super) fn factor(self) -> u64 {
        match self {
            Self::Check | Self::Read | Self::Stream => 4,
            Self::Write => 8,
            Self::Bulk => 10,
        }
    }

    /// The calls of this kind, for messages.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Check => "checks of email export",
            Self::Read => "reads",
            Self::Write => "changes",
            Self::Bulk => "directory syncs and imports",
            Self::Stream => "exports and downloads",
        }
    }
}

/// The kind of each RPC of the contract, by its path.
#[derive(Debug)]
pub(super) struct CallKinds(HashMap<String, CallKind>);

impl CallKinds {
    /// Reads the kinds from the contract.
    pub(super) fn of_contract() -> Self {
        // The build has written the descriptors, so they can be read; `serve` reports it if not.
        let set = FileDescriptorSet::decode(rollcall_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
        Self(set.file.iter().flat_map(kinds_in).collect())
    }

    /// Returns the kind of an RPC; `None` for RPCs that the contract does not have: health and reflection.
    pub(super) fn of_path(&self, path: &str) -> Option<CallKind> {
        self.0.get(path).copied()
    }
}

fn kinds_in(file: &FileDescriptorProto) -> Vec<(String, CallKind)> {
    let kinds = file.service.iter().flat_map(|service| {
        service.method.iter().map(move |method| {
            let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
            let kind = match service.name() {
                "EmailExportService" => CallKind::Check,
                _ => kind_of(method, &file.message_type),
            };
            (path, kind)
        })
    });
    kinds.collect()
}

/// Returns the kind of an RPC, whose messages are in the file of its service.
fn kind_of(method: &MethodDescriptorProto, messages: &[DescriptorProto]) -> CallKind {
    if method.client_streaming() {
        return CallKind::Bulk;
    }
    if method.server_streaming() {
        return CallKind::Stream;
    }
    let request = method.input_type().rsplit('.').next().unwrap_or_default();
    let fields = messages.iter().find(|message| message.name() == request).map(|message| &message.field);
    let changes = fields.is_some_and(|fields| fields.iter().any(|field| field.name() == "request_id"));
    if changes { CallKind::Write } else { CallKind::Read }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_tells_the_kinds() {
        let kinds = CallKinds::of_contract();
        for (path, kind) in [
            ("EmailExportService/CheckEmailExport", CallKind::Check),
            ("MemberService/ListMembers", CallKind::Read),
            ("OrganizationService/CheckOrganization", CallKind::Read),
            ("MemberService/MoveMembers", CallKind::Write),
            ("JobService/RunJob", CallKind::Write),
            ("DirectoryService/SyncDirectory", CallKind::Bulk),
            ("MigrationService/ImportLegacySettings", CallKind::Bulk),
            ("MemberService/ExportMembersCsv", CallKind::Stream),
            ("ReportService/DownloadReport", CallKind::Stream),
        ] {
            assert_eq!(kinds.of_path(&format!("/rollcall.v1.{path}")), Some(kind), "{path}");
        }
        assert_eq!(kinds.of_path("/grpc.health.v1.Health/Check"), None);
    }
}
