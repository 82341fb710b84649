//! `DirectoryService`.

use rollcall_app::{
    Changed,
    directory::{GroupView, Sync, Synced},
};
use rollcall_domain::{
    OrganizationId,
    directory::{GroupRow, MemberRow, MembershipRow, Mode, RawRows, SyncCounts},
};
use rollcall_proto::v1::{self, directory_service_server::DirectoryService};
use tonic::{Request, Response, Status, Streaming};

use super::Services;
use crate::{
    asked::{Asked, RowsDigest, respond},
    convert::{members::parse_status, settings::unknown_value, to_count, to_preview, to_rejected, to_warnings},
    names,
    request::Checks,
    status::to_status,
    streams, tokens,
    whole::Whole,
};

/// What the first message says about the whole sync.
struct Head {
    organization: OrganizationId,
    sync: Sync,
    asked: Asked,
}

#[tonic::async_trait]
impl DirectoryService for Services {
    async fn sync_directory(
        &self,
        request: Request<Streaming<v1::SyncDirectoryRequest>>,
    ) -> Result<Response<v1::SyncDirectoryResponse>, Status> {
        let whole = Whole::of(&request);
        let mut stream = request.into_inner();
        let mut first = streams::next(&mut stream).await?.unwrap_or_default();
        let head = read_head(&first)?;
        let mut rows = RawRows::default();
        let mut digest = RowsDigest::of_request(&first.request_id);
        digest_rows(&mut digest, &first);
        take_rows(&mut rows, &mut first);
        while let Some(mut next) = streams::next(&mut stream).await? {
            refuse_options(&next)?;
            digest_rows(&mut digest, &next);
            take_rows(&mut rows, &mut next);
        }
        whole.check()?;
        let Head { organization, sync, asked } = head;
        let render = |changed: &Changed<Synced>| v1::SyncDirectoryResponse {
            counts: Some(to_counts(changed.value.counts)),
            rejected_count: to_count(changed.value.rejected.len()),
            rejected: to_rejected(&changed.value.rejected),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
            warnings: to_warnings(&organization, &changed.warnings),
        };
        let call = asked.and(&digest.finish()).call(&render);
        let synced = self.app.sync_directory(&call, &organization, sync, rows);
        respond(synced.await.map_err(to_status)?, render)
    }

    async fn get_group(&self, request: Request<v1::GetGroupRequest>) -> Result<Response<v1::GetGroupResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_group(&request.name));
        let at_least = checks.at_least(name.as_ref().map(|(organization, _)| organization), &request.at_least_revision);
        let (organization, group) = checks.finish_with(name)?;
        let read = self.app.get_group(&organization, &group, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetGroupResponse {
            group: Some(to_group(&organization, &read.value.group)),
            assignments: read.value.assignments.iter().map(|id| names::assignment(&organization, id)).collect(),
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn list_groups(
        &self,
        request: Request<v1::ListGroupsRequest>,
    ) -> Result<Response<v1::ListGroupsResponse>, Status> {
        const METHOD: &str = "ListGroups";
        let request = request.into_inner();
        let arguments = v1::ListGroupsRequest { parent: request.parent.clone(), ..Default::default() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let listed = self.app.list_groups(&organization, page.after.as_deref(), page.size + 1, at_least);
        let read = listed.await.map_err(to_status)?;
        let show = |view: &GroupView| to_group(&organization, view);
        let (groups, next_page_token) =
            self.shown((METHOD, &arguments), &page, &read.value, show, |_, last| last.id.to_string());
        Ok(Response::new(v1::ListGroupsResponse {
            groups,
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
        }))
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

fn read_head(first: &v1::SyncDirectoryRequest) -> Result<Head, Status> {
    let mut checks = Checks::new();
    let asked = Asked::read(&mut checks, &options(first));
    let organization = checks.take("parent", names::parse_organization(&first.parent));
    let mode = match v1::SyncMode::try_from(first.mode) {
        Ok(v1::SyncMode::Delta) => Some(Mode::Delta),
        Ok(v1::SyncMode::Full) => Some(Mode::Full),
        Ok(v1::SyncMode::Unspecified) => {
            checks.add("mode", "say whether the rows are a DELTA or the FULL directory");
            None
        }
        Err(_) => checks.take("mode", Err(unknown_value(first.mode))),
    };
    let (organization, mode) = checks.finish_with(organization.zip(mode))?;
    let sync = Sync { mode, allow_mass_change: first.allow_mass_change };
    Ok(Head { organization, sync, asked })
}

/// Options in a later message could contradict the first one: they are refused, never ignored.
fn refuse_options(next: &v1::SyncDirectoryRequest) -> Result<(), Status> {
    let mut checks = Checks::new();
    let only_first = "this is for the first message of the stream only";
    checks.require(next.parent.is_empty(), "parent", only_first);
    checks.require(next.mode == 0, "mode", only_first);
    checks.require(!next.allow_mass_change, "allow_mass_change", only_first);
    checks.require(!next.validate_only, "validate_only", only_first);
    checks.require(next.request_id.is_empty(), "request_id", only_first);
    checks.finish()
}

/// The first message without its rows.
fn options(first: &v1::SyncDirectoryRequest) -> v1::SyncDirectoryRequest {
    v1::SyncDirectoryRequest {
        parent: first.parent.clone(),
        mode: first.mode,
        allow_mass_change: first.allow_mass_change,
        validate_only: first.validate_only,
        request_id: first.request_id.clone(),
        ..Default::default()
    }
}

fn digest_rows(digest: &mut RowsDigest, message: &v1::SyncDirectoryRequest) {
    digest.take(0, &message.members);
    digest.take(1, &message.groups);
    digest.take(2, &message.memberships);
    digest.take(3, &message.removed_memberships);
}

fn take_rows(rows: &mut RawRows, message: &mut v1::SyncDirectoryRequest) {
    let member = |row: v1::DirectoryMember| MemberRow {
        member: row.member,
        email: row.email,
        given_name: row.given_name,
        family_name: row.family_name,
        job_title: row.job_title,
        manager_email: row.manager_email,
        active: parse_status(row.status),
    };
    let membership = |row: v1::Membership| MembershipRow { group: row.group, member: row.member };
    rows.members.extend(message.members.drain(..).map(member));
    let groups = message.groups.drain(..);
    rows.groups.extend(groups.map(|row| GroupRow { group: row.group, display_name: row.display_name }));
    rows.memberships.extend(message.memberships.drain(..).map(membership));
    rows.removed.extend(message.removed_memberships.drain(..).map(membership));
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
