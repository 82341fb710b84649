//! Example calls with grpcurl, for the demo's server and organization.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rollcall_proto::v1::Member;

/// Returns the address for a client on this machine. A server that listens on all addresses listens on loopback, too.
pub(super) fn local_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Returns one line for each call: list the services, list assignments, explain a member, check a member's email
/// export, run the report.
pub(super) fn grpcurl_calls(address: SocketAddr, organization: &str, member: Option<&Member>) -> String {
    let address = local_address(address);
    let call =
        |method: &str, request: String| format!("grpcurl -plaintext -d '{request}' {address} rollcall.v1.{method}");
    let parent = format!("organizations/{organization}");
    let mut lines = vec![
        format!("grpcurl -plaintext {address} list"),
        call("AssignmentService/ListAssignments", format!(r#"{{"parent":"{parent}"}}"#)),
    ];
    if let Some(Member { name, email, .. }) = member {
        lines.push(call("MemberService/ExplainMember", format!(r#"{{"name":"{name}"}}"#)));
        let request = format!(r#"{{"parent":"{parent}","email":"{email}"}}"#);
        lines.push(call("EmailExportService/CheckEmailExport", request));
    }
    lines.push(call("JobService/RunJob", r#"{"name":"jobs/mixed-settings-report"}"#.to_owned()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_to_this_server_and_this_organization() {
        let member = Member {
            name: "organizations/acme/members/m0001".to_owned(),
            email: "ann@acme.example".to_owned(),
            ..Default::default()
        };
        let expected = r#"grpcurl -plaintext 127.0.0.1:50052 list
grpcurl -plaintext -d '{"parent":"organizations/acme"}' 127.0.0.1:50052 rollcall.v1.AssignmentService/ListAssignments
grpcurl -plaintext -d '{"name":"organizations/acme/members/m0001"}' 127.0.0.1:50052 rollcall.v1.MemberService/ExplainMember
grpcurl -plaintext -d '{"parent":"organizations/acme","email":"ann@acme.example"}' 127.0.0.1:50052 rollcall.v1.EmailExportService/CheckEmailExport
grpcurl -plaintext -d '{"name":"jobs/mixed-settings-report"}' 127.0.0.1:50052 rollcall.v1.JobService/RunJob"#;
        assert_eq!(grpcurl_calls("0.0.0.0:50052".parse().unwrap(), "acme", Some(&member)), expected);
    }
}
