//! `MemberService`.

use std::collections::BTreeSet;

use rollcall_app::{
    Changed,
    members::{MemberUpdate, MemberView},
};
use rollcall_domain::{
    AssignmentId, MemberId, OrganizationId, Refusal, Settings, Violation, email_export::EmailExport, ids::check_text,
    members::MemberEdit, refusal::ViolationKind,
};
use rollcall_proto::v1::{self, member_service_server::MemberService};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::Services;
use crate::{
    asked::{Asked, respond},
    convert::{
        audit::to_resource,
        members::to_member,
        settings::{SETTINGS_PATHS, choose, merge_settings, parse_email_export, read_settings, unknown_value},
        to_preview, to_warnings,
    },
    masks::Mask,
    names,
    request::Checks,
    status::{invalid, to_status},
    streams::ByteStream,
    tokens,
};

/// How many members one request may move or release.
const MOVED_MAX: usize = 10_000;

/// Fields that only the identity provider changes, with how a request shows them.
const IDENTITY_PATHS: [&str; 7] =
    ["email", "given_name", "family_name", "job_title", "manager_email", "status", "groups"];

#[tonic::async_trait]
impl MemberService for Services {
    type ExportMembersCsvStream = ByteStream<v1::ExportMembersCsvResponse>;

    async fn get_member(
        &self,
        request: Request<v1::GetMemberRequest>,
    ) -> Result<Response<v1::GetMemberResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_member(&request.name));
        let at_least = checks.at_least(name.as_ref().map(|(organization, _)| organization), &request.at_least_revision);
        let (organization, member) = checks.finish_with(name)?;
        let read = self.app.get_member(&organization, &member, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetMemberResponse {
            member: Some(to_member(&organization, &read.value)),
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        const METHOD: &str = "ListMembers";
        let request = request.into_inner();
        let (parent, assignment) = (request.parent.clone(), request.assignment.clone());
        let arguments = v1::ListMembersRequest { parent, assignment, ..Default::default() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let assignment = optional_assignment(&mut checks, organization.as_ref(), &request.assignment);
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let (assignment, after) = (assignment.as_ref(), page.after.as_deref());
        let listed = self.app.list_members(&organization, assignment, after, page.size + 1, at_least);
        let read = listed.await.map_err(to_status)?;
        let show = |view: &MemberView| to_member(&organization, view);
        let (members, next_page_token) =
            self.shown((METHOD, &arguments), &page, &read.value, show, |_, last| last.id.to_string());
        Ok(Response::new(v1::ListMembersResponse {
            members,
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn update_member_settings(
        &self,
        request: Request<v1::UpdateMemberSettingsRequest>,
    ) -> Result<Response<v1::UpdateMemberSettingsResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let given = request.member.unwrap_or_default();
        let name = checks.take("member.name", names::parse_member(&given.name));
        let etag = Some(given.etag.clone()).filter(|etag| !etag.is_empty());
        let settings = given.settings.clone().map(|s| read_settings(&mut checks, "member.settings", s));
        let export = checks.take("member.email_export", parse_email_export(given.email_export)).flatten();
        let identity = Mask::is_of_all(request.update_mask.as_ref()).then_some(&given);
        let mask = read_mask(&mut checks, request.update_mask);
        let taken = merge_settings(&mask, &Settings::default(), settings.as_ref());
        let wrong = taken.iter().flat_map(Settings::violations).map(|violation| violation.at("member.settings"));
        wrong.for_each(|violation| checks.push(violation));
        let (organization, member) = checks.finish_with(name)?;
        let edit = |current: &MemberView| to_edit(&organization, &mask, (identity, settings.as_ref(), export), current);
        let update = MemberUpdate { member: &member, etag: etag.as_deref(), edit: &edit };
        let render = |changed: &Changed<MemberView>| v1::UpdateMemberSettingsResponse {
            member: Some(to_member(&organization, &changed.value)),
            warnings: to_warnings(&organization, &changed.warnings),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
        };
        let call = asked.call(&render);
        let updated = self.app.update_member_settings(&call, &organization, &update);
        respond(updated.await.map_err(|error| at_member(&organization, error))?, render)
    }

    async fn move_members(
        &self,
        request: Request<v1::MoveMembersRequest>,
    ) -> Result<Response<v1::MoveMembersResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let members = read_members(&mut checks, organization.as_ref(), &request.members);
        checks.require(!request.assignment.is_empty(), "assignment", "name the assignment to move to");
        let target = optional_assignment(&mut checks, organization.as_ref(), &request.assignment);
        checks.take("reason", check_text(&request.reason, "reason", 0, 500));
        let (organization, target) = checks.finish_with(organization.zip(target))?;
        let render = |changed: &Changed<u32>| v1::MoveMembersResponse {
            moved_count: changed.value.cast_signed(),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
            warnings: to_warnings(&organization, &changed.warnings),
        };
        let call = asked.call(&render);
        let moved = self.app.move_members(&call, &organization, &members, &target, &request.reason);
        respond(moved.await.map_err(to_status)?, render)
    }

    async fn release_members(
        &self,
        request: Request<v1::ReleaseMembersRequest>,
    ) -> Result<Response<v1::ReleaseMembersResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let members = read_members(&mut checks, organization.as_ref(), &request.members);
        let organization = checks.finish_with(organization)?;
        let render = |changed: &Changed<u32>| v1::ReleaseMembersResponse {
            released_count: changed.value.cast_signed(),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
            warnings: to_warnings(&organization, &changed.warnings),
        };
        let call = asked.call(&render);
        let released = self.app.release_members(&call, &organization, &members);
        respond(released.await.map_err(to_status)?, render)
    }

    async fn explain_member(
        &self,
        request: Request<v1::ExplainMemberRequest>,
    ) -> Result<Response<v1::ExplainMemberResponse>, Status> {
        self.explain(request).await
    }

    async fn list_email_export_changes(
        &self,
        request: Request<v1::ListEmailExportChangesRequest>,
    ) -> Result<Response<v1::ListEmailExportChangesResponse>, Status> {
        self.export_changes(request).await
    }

    async fn export_members_csv(
        &self,
        request: Request<v1::ExportMembersCsvRequest>,
    ) -> Result<Response<Self::ExportMembersCsvStream>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let profile = match v1::CsvProfile::try_from(request.profile) {
            Ok(v1::CsvProfile::Unspecified | v1::CsvProfile::Spreadsheet) => {
                Ok(rollcall_app::reports::Profile::Spreadsheet)
            }
            Ok(v1::CsvProfile::Raw) => Ok(rollcall_app::reports::Profile::Raw),
            Err(_) => Err(unknown_value(request.profile)),
        };
        let profile = checks.take("profile", profile);
        let (organization, profile) = checks.finish_with(organization.zip(profile))?;
        let chunks = self.app.export_members(&organization, profile).await.map_err(to_status)?;
        let to_message = |chunk: Result<bytes::Bytes, rollcall_app::Error>| {
            chunk.map(|data| v1::ExportMembersCsvResponse { data: data.into() }).map_err(to_status)
        };
        Ok(Response::new(Box::pin(ReceiverStream::new(chunks).map(to_message))))
    }
}

fn optional_assignment(checks: &mut Checks, organization: Option<&OrganizationId>, name: &str) -> Option<AssignmentId> {
    if name.is_empty() {
        return None;
    }
    checks.take("assignment", names::within(organization, name, names::parse_assignment(name)))
}

fn read_members(checks: &mut Checks, organization: Option<&OrganizationId>, names: &[String]) -> Vec<MemberId> {
    if names.is_empty() || names.len() > MOVED_MAX {
        checks.add("members", format!("name 1 to {MOVED_MAX} members, not {}", names.len()));
    }
    let parsed = names.iter().map(|name| names::within(organization, name, names::parse_member(name)));
    let members: BTreeSet<MemberId> = checks.take_all("members", parsed).into_iter().collect();
    members.into_iter().collect()
}

/// The domain knows fields of a member; the request has them in one message.
fn at_member(organization: &OrganizationId, error: rollcall_app::Error) -> Status {
    match error {
        rollcall_app::Error::Refused(Refusal::Invalid(violations)) => {
            let placed = |v: Violation| if v.field.starts_with("member") { v } else { v.at("member") };
            invalid(violations.into_iter().map(placed).collect())
        }
        rollcall_app::Error::Refused(Refusal::StaleEtag { resource, given, current }) => {
            let resource = to_resource(organization, &resource);
            to_status(Refusal::StaleEtag { resource, given, current }.into())
        }
        other => to_status(other),
    }
}

fn owned_by_idp(field: &str) -> Violation {
    let description = format!("`{field}` belongs to the identity provider; change it there");
    Violation::new(ViolationKind::FieldOwnedByIdp, format!("member.{field}"), description).with("field", field)
}

fn read_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let mut allowed = vec!["email_export"];
    allowed.extend(SETTINGS_PATHS);
    let identity = |path: &str| IDENTITY_PATHS.contains(&path).then(|| owned_by_idp(path));
    Mask::read(checks, mask, &allowed, identity)
}

/// The edit that a mask, or the populated fields, ask for, and what is wrong with it. Where it is for the
/// whole member, identity fields may be there as they were read, but not with other values.
fn to_edit(
    organization: &OrganizationId,
    mask: &Mask,
    (identity, settings, export): (Option<&v1::Member>, Option<&Settings>, Option<EmailExport>),
    current: &MemberView,
) -> (MemberEdit, Vec<Violation>) {
    let mut found = identity.map_or_else(Vec::new, |given| identity_changes(given, &to_member(organization, current)));
    let stored = current.export.map(|export| export.setting.value());
    let choose = choose(mask, export, stored).map_err(|violation| found.push(violation)).ok().flatten();
    (MemberEdit { settings: merge_settings(mask, &current.settings, settings), choose }, found)
}

fn identity_changes(given: &v1::Member, stored: &v1::Member) -> Vec<Violation> {
    let fields = [
        ("email", !given.email.is_empty() && given.email.to_lowercase() != stored.email),
        ("given_name", !given.given_name.is_empty() && given.given_name != stored.given_name),
        ("family_name", !given.family_name.is_empty() && given.family_name != stored.family_name),
        ("job_title", !given.job_title.is_empty() && given.job_title != stored.job_title),
        ("manager_email", !given.manager_email.is_empty() && given.manager_email != stored.manager_email),
        ("status", given.status != 0 && given.status != stored.status),
        ("groups", !given.groups.is_empty() && given.groups != stored.groups),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| owned_by_idp(field)).collect()
}
