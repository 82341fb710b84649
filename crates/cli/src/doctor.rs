//! `rollcall doctor`: compares the stored data of one organization with the rules.

use rollcall_domain::OrganizationId;
use rollcall_proto::v1::{CheckOrganizationRequest, SelfCheck};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::{Error, Result},
    output::print_line,
    values,
};

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {
    /// The organization to check
    #[arg(long, value_name = "ID", value_parser = values::organization)]
    pub organization: OrganizationId,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall doctor`.
///
/// # Errors
/// The call fails, or the stored data differs from the rules.
pub async fn run(server: &ServerConnection, arguments: &DoctorArguments) -> Result {
    let organization = &arguments.organization;
    let request = CheckOrganizationRequest { name: format!("organizations/{organization}"), ..Default::default() };
    let checked = server.organizations().check_organization(request).await;
    let checked = answer(format!("cannot check {organization}"), checked)?.self_check.unwrap_or_default();
    difference_lines(&checked).iter().for_each(print_line);
    match checked.difference_count {
        0 => {
            print_line(format!("the stored data of {organization} follows the rules"));
            Ok(())
        }
        1 => Err(Error::failed(format!("the stored data of {organization} has 1 difference from the rules"))),
        count => {
            Err(Error::failed(format!("the stored data of {organization} has {count} differences from the rules")))
        }
    }
}

/// Returns one line for each difference, and one line for those that the server has only counted.
#[must_use]
pub fn difference_lines(check: &SelfCheck) -> Vec<String> {
    let rule = |name: &str| name.trim_start_matches("CHECK_RULE_").to_owned();
    let line = |difference: &rollcall_proto::v1::Difference| {
        format!("{} {}: {}", rule(difference.rule().as_str_name()), difference.resource, difference.message)
    };
    let mut lines: Vec<String> = check.differences.iter().map(line).collect();
    let listed = i32::try_from(lines.len()).unwrap_or(i32::MAX);
    if check.difference_count > listed {
        lines.push(format!("and {} more", check.difference_count - listed));
    }
    lines
}
