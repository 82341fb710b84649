//! Example calls with grpcurl, for the demo's server and organization.

use std::net::SocketAddr;

use rollcall_proto::v1::Member;

use crate::connection::local_address;

/// Returns one line for each call: list the services, list assignments, explain a member, check a member's email
/// export, run the report.
#[must_use]
pub fn grpcurl_calls(address: SocketAddr, organization: &str, member: Option<&Member>) -> String {
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
