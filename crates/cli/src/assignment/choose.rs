//! `rollcall assignment choose`: chooses the email export setting of an assignment. All its members get this value, so
//! the assignment is not mixed any more.

use std::fmt::Write as _;

use rollcall_domain::{AssignmentId, OrganizationId, email_export::EmailExport, names};
use rollcall_proto::v1::{self, Assignment, UpdateAssignmentRequest, UpdateAssignmentResponse};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::Result,
    output::print_line,
    values,
};

/// The arguments of `assignment choose`.
#[derive(Debug, clap::Args)]
pub struct AssignmentChooseArguments {
    /// The setting for all members of the assignment: EXPORT or `DO_NOT_EXPORT`
    #[arg(value_name = "SETTING", value_parser = values::email_export)]
    pub setting: EmailExport,
    /// The organization
    #[arg(long, value_name = "ID", value_parser = values::organization)]
    pub organization: OrganizationId,
    /// The assignment; `default` is the default assignment
    #[arg(long, value_name = "ID", value_parser = values::assignment)]
    pub assignment: AssignmentId,
    /// Show how many members would change; change nothing
    #[arg(long)]
    pub validate_only: bool,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall assignment choose`.
///
/// # Errors
/// The server refuses the call.
pub async fn run(server: &ServerConnection, arguments: &AssignmentChooseArguments) -> Result {
    let name = names::assignment(&arguments.organization, &arguments.assignment);
    let email_export = match arguments.setting {
        EmailExport::Export => v1::EmailExport::Export,
        EmailExport::DoNotExport => v1::EmailExport::DoNotExport,
    };
    let request = UpdateAssignmentRequest {
        assignment: Some(Assignment { name: name.clone(), email_export: email_export.into(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["email_export".to_owned()] }),
        validate_only: arguments.validate_only,
        ..Default::default()
    };
    let call = server.assignments().update_assignment(request).await;
    let response = answer(format!("cannot choose {} on {name}", arguments.setting), call)?;
    print_line(choose_text(arguments.setting, &response));
    Ok(())
}

/// Returns what the call did, or would do, with one line for each warning.
#[must_use]
pub fn choose_text(setting: EmailExport, response: &UpdateAssignmentResponse) -> String {
    let assignment = response.assignment.clone().unwrap_or_default();
    let (name, members) = (&assignment.name, assignment.member_count);
    let mut text = match &response.preview {
        None => format!("{setting} is chosen on {name} for all members; it has {members}"),
        Some(preview) => {
            let changed = preview.flips_to_export + preview.flips_to_do_not_export;
            format!("{setting} would change {changed} of the {members} members of {name}; nothing was changed")
        }
    };
    for warning in &response.warnings {
        let _ = write!(text, "\n  {}: {}", warning.resource, warning.message);
    }
    text
}
