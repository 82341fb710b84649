//! `DirectoryService`.

use std::mem;

use rollcall_app::directory::{DirectorySync, GroupView};
use rollcall_domain::{
    AssignmentId, OrganizationId,
    directory::{RawGroup, RawMember, RawMembership, RawRows, RowParser, SyncCounts, SyncMode},
    names,
};
use rollcall_proto::v1::{self, directory_service_server::DirectoryService};
use tokio::task::block_in_place;
use tonic::{Request, Response, Status, Streaming};

use super::Services;
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{Effects, enums::unknown_value, members::parse_status, to_count, to_effects, to_rejected},
    mutation::{Mutation, RowsDigest},
    status::to_status,
    stream_completion::StreamCompletion,
    streams, tokens,
};

#[tonic::async_trait]
impl DirectoryService for Services {
    async fn sync_directory(
        &self,
        request: Request<Streaming<v1::SyncDirectoryRequest>>,
    ) -> Result<Response<v1::SyncDirectoryResponse>, Status> {
        let completion = StreamCompletion::of(&request);
        let mut stream = request.into_inner();
        let mut first = streams::next(&mut stream).await?.unwrap_or_default();
        let mut digest = RowsDigest::new(&first.request_id);
        let rows = take_rows(&mut first, &mut digest);
        let (mutation, (organization, mode, allow_mass_change)) = Mutation::parse(first, |first, checks| {
            let organization = checks.organization("parent", names::parse_organization(&first.parent));
            let mode = parse_mode(checks, first.mode);
            Some((organization?, mode?, first.allow_mass_change))
        })?;
        // Reading a large directory only to refuse it would cost the server more than the caller.
        self.app.db().check_queue(&organization).map_err(|error| to_status(error.into()))?;
        // Each message is parsed as it comes, so that the rows as they came are in memory for one message only.
        let mut parser = RowParser::new(mode);
        block_in_place(|| parser.add(rows));
        while let Some(mut next) = streams::next(&mut stream).await? {
            refuse_options(&next)?;
            block_in_place(|| parser.add(take_rows(&mut next, &mut digest)));
        }
        completion.check()?;
        let rows = block_in_place(|| parser.finish()).map_err(|refusal| to_status(refusal.into()))?;
        let sync = DirectorySync { rows, allow_mass_change };
        mutation
            .with_rows(digest)
            .run(
                async |context| self.app.change(context, &organization, &sync).await,
                |synced| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, synced);
                    v1::SyncDirectoryResponse {
                        counts: Some(to_counts(synced.value.counts)),
                        rejected_count: to_count(synced.value.rejected.len()),
                        rejected: to_rejected(&synced.value.rejected),
                        preview,
                        revision,
                        warnings,
                    }
                },
            )
            .await
    }

    async fn get_group(&self, request: Request<v1::GetGroupRequest>) -> Result<Response<v1::GetGroupResponse>, Status> {
        let ((organization, group), at_least) =
            parse_read(request, |request, checks| checks.resource("name", names::parse_group(&request.name)))?;
        respond(self.app.get_group(&organization, &group, at_least).await, |found| v1::GetGroupResponse {
            group: Some(to_group(&organization, &found.value.group)),
            assignments: named(&found.value.assignments).map(|id| names::assignment(&organization, id)).collect(),
            assignment_count: to_count(found.value.assignments.len()),
            revision: tokens::revision(&organization, found.revision),
        })
    }

    async fn list_groups(
        &self,
        request: Request<v1::ListGroupsRequest>,
    ) -> Result<Response<v1::ListGroupsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let found = self.app.list_groups(&organization, page.after(), page.limit(), page.at_least()).await;
        respond(found, |found| {
            let render = |view: &GroupView| to_group(&organization, view);
            let (groups, next_page_token) = page.render(&found.value, render, |_, last| last.id.to_string());
            v1::ListGroupsResponse {
                groups,
                next_page_token,
                revision: tokens::revision(&organization, found.revision),
            }
        })
    }
}

/// How many assignments of a group are named. A message has at most 4 MB.
const ASSIGNMENTS_NAMED: usize = 1_000;

/// Returns the assignments that are named.
fn named(assignments: &[AssignmentId]) -> impl Iterator<Item = &AssignmentId> {
    assignments.iter().take(ASSIGNMENTS_NAMED)
}

fn parse_mode(checks: &mut Checks, mode: i32) -> Option<SyncMode> {
    match v1::SyncMode::try_from(mode) {
        Ok(v1::SyncMode::Delta) => Some(SyncMode::Delta),
        Ok(v1::SyncMode::Full) => Some(SyncMode::Full),
        Ok(v1::SyncMode::Unspecified) => {
            checks.add(
                "mode",
                "say whether the rows are the whole directory (SYNC_MODE_FULL) or changes (SYNC_MODE_DELTA)",
            );
            None
        }
        Err(_) => checks.take("mode", Err(unknown_value(mode))),
    }
}

/// Refuses options in a later message. They could contradict the options of the first message.
fn refuse_options(next: &v1::SyncDirectoryRequest) -> Result<(), Status> {
    let mut checks = Checks::default();
    let only_first = "this is for the first message of the stream only";
    checks.require(next.parent.is_empty(), "parent", only_first);
    checks.require(next.mode == 0, "mode", only_first);
    checks.require(!next.allow_mass_change, "allow_mass_change", only_first);
    checks.require(!next.validate_only, "validate_only", only_first);
    checks.require(next.request_id.is_empty(), "request_id", only_first);
    checks.finish(Some(()))
}

/// Takes the rows of a message, and adds them to the digest.
fn take_rows(message: &mut v1::SyncDirectoryRequest, digest: &mut RowsDigest) -> RawRows {
    digest.add(0, &message.members);
    digest.add(1, &message.groups);
    digest.add(2, &message.memberships);
    digest.add(3, &message.removed_memberships);
    let member = |row: v1::DirectoryMember| RawMember {
        member: row.member,
        email: row.email,
        given_name: row.given_name,
        family_name: row.family_name,
        job_title: row.job_title,
        manager_email: row.manager_email,
        active: parse_status(row.status),
    };
    let membership = |row: v1::Membership| RawMembership { group: row.group, member: row.member };
    let group = |row: v1::DirectoryGroup| RawGroup { group: row.group, display_name: row.display_name };
    RawRows {
        members: mem::take(&mut message.members).into_iter().map(member).collect(),
        groups: mem::take(&mut message.groups).into_iter().map(group).collect(),
        memberships: mem::take(&mut message.memberships).into_iter().map(membership).collect(),
        removed: mem::take(&mut message.removed_memberships).into_iter().map(membership).collect(),
    }
}

fn to_group(organization: &OrganizationId, view: &GroupView) -> v1::Group {
    v1::Group {
        name: names::group(organization, &view.id),
        display_name: view.display_name.clone(),
        member_count: view.members.cast_signed(),
        present: view.present,
    }
}

fn to_counts(counts: SyncCounts) -> v1::SyncCounts {
    v1::SyncCounts {
        members_created: counts.members_created.cast_signed(),
        members_updated: counts.members_updated.cast_signed(),
        members_deactivated: counts.members_deactivated.cast_signed(),
        members_reactivated: counts.members_reactivated.cast_signed(),
        groups_changed: counts.groups_changed.cast_signed(),
        memberships_added: counts.memberships_added.cast_signed(),
        memberships_removed: counts.memberships_removed.cast_signed(),
        members_rehomed: counts.members_rehomed.cast_signed(),
    }
}
