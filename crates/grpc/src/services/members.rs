//! `MemberService`.

use std::collections::BTreeSet;

use rollcall_app::{
    members::{HandEdit, MemberMove, MemberRelease, MemberView},
    reports::{CsvProfile, ExportPiece, ExportPosition},
};
use rollcall_domain::{
    AssignmentId, Email, MemberId, explain::AssignmentVerdict, history::RecordedChange, ids::check_text,
    members::MemberFilter, names,
};
use rollcall_proto::v1::{self, member_service_server::MemberService};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::{Services, optional_etag};
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{
        Effects,
        enums::unknown_value,
        explain::{to_export_at_time, to_export_change, to_origin, to_verdict},
        members::{MemberUpdate, parse_member_update, to_member},
        parse_timestamp, to_effects,
    },
    mutation::Mutation,
    status::to_status,
    streams::{FileStream, send_pieces},
    tokens,
};

/// How many members one request may move or release.
const MEMBERS_MAX: usize = 10_000;

#[tonic::async_trait]
impl MemberService for Services {
    type ExportMembersCsvStream = FileStream<v1::ExportMembersCsvResponse>;

    async fn get_member(
        &self,
        request: Request<v1::GetMemberRequest>,
    ) -> Result<Response<v1::GetMemberResponse>, Status> {
        let ((organization, member), at_least) =
            parse_read(request, |request, checks| checks.resource("name", names::parse_member(&request.name)))?;
        respond(self.app.get_member(&organization, &member, at_least).await, |found| v1::GetMemberResponse {
            member: Some(to_member(&organization, &found.value)),
            revision: tokens::revision(&organization, found.revision),
        })
    }

    async fn look_up_member(
        &self,
        request: Request<v1::LookUpMemberRequest>,
    ) -> Result<Response<v1::LookUpMemberResponse>, Status> {
        let ((organization, email), at_least) = parse_read(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let email = checks.take("email", Email::parse(&request.email));
            Some((organization?, email?))
        })?;
        respond(self.app.look_up_member(&organization, &email, at_least).await, |found| v1::LookUpMemberResponse {
            member: Some(to_member(&organization, &found.value)),
            revision: tokens::revision(&organization, found.revision),
        })
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let ((organization, filter), page) = self.pages.parse_list(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let assignment = parse_optional_assignment(checks, &request.assignment);
            let mut filter = checks.take("filter", MemberFilter::parse(&request.filter)).unwrap_or_default();
            let is_single = request.assignment.is_empty() || filter.assignment.is_none();
            checks.require(is_single, "filter", "give the assignment in the filter or in `assignment`, not in both");
            filter.assignment = filter.assignment.or(assignment);
            Some((organization?, filter))
        })?;
        let (after, limit) = (page.after(), page.limit());
        let found = self.app.list_members(&organization, &filter, after, limit, page.at_least()).await;
        respond(found, |found| {
            let render = |view: &MemberView| to_member(&organization, view);
            let (members, next_page_token) = page.render(&found.value, render, |_, last| last.id.to_string());
            let revision = tokens::revision(&organization, found.revision);
            v1::ListMembersResponse { members, next_page_token, revision }
        })
    }

    async fn update_member_settings(
        &self,
        request: Request<v1::UpdateMemberSettingsRequest>,
    ) -> Result<Response<v1::UpdateMemberSettingsResponse>, Status> {
        let (mutation, (organization, member, etag, update)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let given = request.member.unwrap_or_default();
                let name = checks.resource("member.name", names::parse_member(&given.name));
                let etag = given.etag.clone();
                let update = parse_member_update(checks, given, request.update_mask);
                let (organization, member) = name?;
                Some((organization, member, etag, update))
            })?;
        let MemberUpdate { input, selection, identity } = &update;
        let (etag, identity) = (optional_etag(&etag), identity.as_ref());
        let edit = HandEdit { member: &member, etag, input, selection, identity };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &edit).await,
                |updated| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, updated);
                    let member = Some(to_member(&organization, &updated.value));
                    v1::UpdateMemberSettingsResponse { member, warnings, preview, revision }
                },
            )
            .await
    }

    async fn move_members(
        &self,
        request: Request<v1::MoveMembersRequest>,
    ) -> Result<Response<v1::MoveMembersResponse>, Status> {
        let (mutation, (organization, members, target, reason)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let organization = checks.organization("parent", names::parse_organization(&request.parent));
                let members = parse_members(checks, &request.members);
                checks.require(!request.assignment.is_empty(), "assignment", "name the assignment to move to");
                let target = parse_optional_assignment(checks, &request.assignment);
                checks.take("reason", check_text(&request.reason, "reason", 0, 500));
                Some((organization?, members, target?, request.reason))
            })?;
        let moving = MemberMove { members: &members, target: &target, reason: &reason };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &moving).await,
                |moved| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, moved);
                    v1::MoveMembersResponse { moved_count: moved.value.cast_signed(), preview, revision, warnings }
                },
            )
            .await
    }

    async fn release_members(
        &self,
        request: Request<v1::ReleaseMembersRequest>,
    ) -> Result<Response<v1::ReleaseMembersResponse>, Status> {
        let (mutation, (organization, members)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let members = parse_members(checks, &request.members);
            Some((organization?, members))
        })?;
        let release = MemberRelease { members: &members };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &release).await,
                |released| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, released);
                    let released_count = released.value.cast_signed();
                    v1::ReleaseMembersResponse { released_count, preview, revision, warnings }
                },
            )
            .await
    }

    async fn explain_member(
        &self,
        request: Request<v1::ExplainMemberRequest>,
    ) -> Result<Response<v1::ExplainMemberResponse>, Status> {
        let ((organization, member), page) = self
            .pages
            .parse_list(request, |request, checks| checks.resource("name", names::parse_member(&request.name)))?;
        respond(self.app.explain_member(&organization, &member, page.at_least()).await, |found| {
            let explanation = found.value;
            let own = &explanation.member.assignment;
            let (winner, others): (Vec<_>, Vec<_>) =
                explanation.verdicts.iter().partition(|explained| explained.assignment == *own);
            let render = |verdict: &&AssignmentVerdict| to_verdict(&organization, verdict);
            let (others, next_page_token) = page.render_assignments(&others, |verdict| &verdict.assignment, render);
            v1::ExplainMemberResponse {
                member: Some(to_member(&organization, &explanation.member)),
                winner: winner.first().map(|verdict| to_verdict(&organization, verdict)),
                others,
                next_page_token,
                settings: explanation.settings.iter().map(|origin| to_origin(&organization, origin)).collect(),
                revision: tokens::revision(&organization, found.revision),
            }
        })
    }

    async fn list_email_export_changes(
        &self,
        request: Request<v1::ListEmailExportChangesRequest>,
    ) -> Result<Response<v1::ListEmailExportChangesResponse>, Status> {
        let ((organization, member, time), page) = self.pages.parse_list(request, |request, checks| {
            let name = checks.resource("parent", names::parse_member(&request.parent));
            let time = request.time.and_then(|time| checks.take("time", parse_timestamp(time)));
            let (organization, member) = name?;
            Some((organization, member, time))
        })?;
        let before = page.after().and_then(|revision| revision.parse().ok());
        let limits = (before, page.limit());
        let found = self.app.list_email_export_changes(&organization, &member, time, limits, page.at_least()).await;
        respond(found, |found| {
            let render = |recorded: &RecordedChange| to_export_change(&organization, recorded);
            let (changes, next_page_token) =
                page.render(&found.value.changes, render, |_, last| last.revision.to_string());
            let revision = tokens::revision(&organization, found.revision);
            let at_time = Some(to_export_at_time(&found.value));
            v1::ListEmailExportChangesResponse { changes, next_page_token, revision, at_time }
        })
    }

    async fn export_members_csv(
        &self,
        request: Request<v1::ExportMembersCsvRequest>,
    ) -> Result<Response<Self::ExportMembersCsvStream>, Status> {
        let ((organization, profile, resumed), at_least) = parse_read(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let profile = match v1::CsvProfile::try_from(request.profile) {
                Ok(v1::CsvProfile::Unspecified | v1::CsvProfile::Spreadsheet) => Ok(CsvProfile::Spreadsheet),
                Ok(v1::CsvProfile::Raw) => Ok(CsvProfile::Raw),
                Err(_) => Err(unknown_value(request.profile)),
            };
            let profile = checks.take("profile", profile);
            let resumed = parse_position(checks, &request.after, &request.revision);
            Some((organization?, profile?, resumed))
        })?;
        let pieces = self.app.export_members(&organization, profile, resumed, at_least).await.map_err(to_status)?;
        let to_message = move |piece: ExportPiece| v1::ExportMembersCsvResponse {
            data: piece.data.into(),
            last_member: piece.last_member.map(|id| names::member(&organization, &id)).unwrap_or_default(),
            revision: tokens::revision(&organization, piece.revision),
        };
        let messages = ReceiverStream::new(pieces).map(move |piece| piece.map(&to_message).map_err(to_status));
        Ok(Response::new(send_pieces(messages, self.stream_time)))
    }
}

/// Returns where an export goes on; `None` for an export from the start.
fn parse_position(checks: &mut Checks, after: &str, revision: &str) -> Option<ExportPosition> {
    if after.is_empty() && revision.is_empty() {
        return None;
    }
    let both = !after.is_empty() && !revision.is_empty();
    checks.require(both, "after", "give `after` and `revision` together, both from the last piece that was received");
    let after = if after.is_empty() { None } else { checks.name("after", after, names::parse_member) };
    let revision = checks.revision("revision", revision);
    Some(ExportPosition { after: after?, revision: revision? })
}

fn parse_optional_assignment(checks: &mut Checks, name: &str) -> Option<AssignmentId> {
    if name.is_empty() { None } else { checks.name("assignment", name, names::parse_assignment) }
}

/// Returns the named members, each once and in byte order.
fn parse_members(checks: &mut Checks, members: &[String]) -> Vec<MemberId> {
    if members.is_empty() || members.len() > MEMBERS_MAX {
        checks.add("members", format!("name 1 to {MEMBERS_MAX} members, not {}", members.len()));
    }
    let members: BTreeSet<MemberId> = checks.names("members", members, names::parse_member).into_iter().collect();
    members.into_iter().collect()
}
