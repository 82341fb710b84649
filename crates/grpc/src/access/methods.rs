//! What the contract says about each RPC: the role that its caller needs, and which of its messages are streams.

use std::collections::HashMap;

use prost::Message;
use rollcall_auth::CallerRole;
use rollcall_proto::v1::Role;

/// The services that every client may call without credentials. They tell whether the server serves, and the contract,
/// which is public.
const OPEN_SERVICES: [&str; 3] =
    ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// What the contract says about an RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodRule {
    pub(super) role: CallerRole,
    pub(super) client_streaming: bool,
    pub(super) server_streaming: bool,
}

/// The rule of each RPC, by its path. An RPC without a declared role has no rule, and every call of it is refused.
#[derive(Debug)]
pub(super) struct MethodRules(HashMap<String, MethodRule>);

impl MethodRules {
    /// Reads the rules from the contract.
    pub(super) fn of_contract() -> Self {
        // The build has written the descriptors, so they can be read. Without them every call is refused.
        let set = FileSet::decode(rollcall_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
        Self(set.files.iter().flat_map(rules_in).collect())
    }

    /// Returns the rule of an RPC.
    pub(super) fn find(&self, path: &str) -> Option<MethodRule> {
        self.0.get(path).copied()
    }
}

/// Returns whether every client may call the RPC of a path.
pub(super) fn is_open(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    service.is_some_and(|(service, _)| OPEN_SERVICES.contains(&service))
}

fn rules_in(file: &File) -> Vec<(String, MethodRule)> {
    let rules = file.services.iter().flat_map(|service| {
        service.methods.iter().filter_map(move |method| {
            let path = format!("/{}.{}/{}", file.package, service.name, method.name);
            let rule = MethodRule {
                role: to_role(method.options.as_ref()?.role())?,
                client_streaming: method.client_streaming,
                server_streaming: method.server_streaming,
            };
            Some((path, rule))
        })
    });
    rules.collect()
}

fn to_role(role: Role) -> Option<CallerRole> {
    match role {
        Role::Unspecified => None,
        Role::TechAdmin => Some(CallerRole::TechAdmin),
        Role::Reader => Some(CallerRole::Reader),
        Role::ExportChecker => Some(CallerRole::ExportChecker),
        Role::ReportReader => Some(CallerRole::ReportReader),
        Role::Operator => Some(CallerRole::Operator),
    }
}

// The parts of `google/protobuf/descriptor.proto` that are needed here, with the option of the contract. The types of
// prost-types drop options that they do not know.

#[derive(Clone, PartialEq, Message)]
struct FileSet {
    #[prost(message, repeated, tag = "1")]
    files: Vec<File>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    methods: Vec<Method>,
}

#[derive(Clone, PartialEq, Message)]
struct Method {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "4")]
    options: Option<MethodOptions>,
    #[prost(bool, tag = "5")]
    client_streaming: bool,
    #[prost(bool, tag = "6")]
    server_streaming: bool,
}

#[derive(Clone, PartialEq, Message)]
struct MethodOptions {
    #[prost(enumeration = "Role", tag = "50601")]
    role: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_the_contract() {
        let rules = MethodRules::of_contract();
        let rule =
            |role, client_streaming, server_streaming| Some(MethodRule { role, client_streaming, server_streaming });
        let find = |path| rules.find(&format!("/rollcall.v1.{path}"));
        assert_eq!(find("EmailExportService/CheckEmailExport"), rule(CallerRole::ExportChecker, false, false));
        assert_eq!(find("DirectoryService/SyncDirectory"), rule(CallerRole::TechAdmin, true, false));
        assert_eq!(find("ReportService/DownloadReport"), rule(CallerRole::ReportReader, false, true));
        assert_eq!(find("EmailExportService/Unknown"), None);
        assert_eq!(find("emailexportservice/CheckEmailExport"), None);
    }

    #[test]
    fn an_rpc_without_a_role_has_no_rule() {
        let method = |role| Method {
            name: "Get".to_owned(),
            options: Some(MethodOptions { role }),
            client_streaming: false,
            server_streaming: false,
        };
        let rules = |methods| {
            let services = vec![Service { name: "S".to_owned(), methods }];
            rules_in(&File { package: "p".to_owned(), services }).len()
        };
        let bare = Method { options: None, ..method(0) };
        assert_eq!(
            [rules(vec![bare]), rules(vec![method(0)]), rules(vec![method(99)]), rules(vec![method(2)])],
            [0, 0, 0, 1]
        );
    }

    #[test]
    fn only_health_and_reflection_are_open() {
        assert!(
            is_open("/grpc.health.v1.Health/Check")
                && is_open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        );
        let closed =
            ["/grpc.health.v1.Health", "/grpc.health.v1.HealthX/Check", "/rollcall.v1.JobService/RunJob", "/", ""];
        assert!(closed.into_iter().all(|path| !is_open(path)));
    }
}
