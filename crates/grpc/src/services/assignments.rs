//! `AssignmentService`.

use rollcall_app::assignments::{
    AssignmentCreation, AssignmentDeletion, AssignmentMove, AssignmentUpdate, AssignmentView, ListReordering, Listed,
    MixedOverview,
};
use rollcall_domain::{AssignmentId, lint::LintFinding, names};
use rollcall_proto::v1::{self, assignment_service_server::AssignmentService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Services, optional_etag};
use crate::{
    call::{parse_read, respond},
    convert::{
        Effects,
        assignments::{parse_assignment, parse_assignment_mask, to_assignment},
        lint::{finding_key, to_finding, to_mixed},
        settings, to_effects,
    },
    list_cursor::ListCursor,
    mutation::Mutation,
    pages::Page,
    tokens,
};

#[tonic::async_trait]
impl AssignmentService for Services {
    async fn create_assignment(
        &self,
        request: Request<v1::CreateAssignmentRequest>,
    ) -> Result<Response<v1::CreateAssignmentResponse>, Status> {
        let (mutation, (organization, create)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let id = checks.optional_id("assignment_id", &request.assignment_id, AssignmentId::parse);
            checks.require(request.position >= 0, "position", "the position must not be negative; 0 means the end");
            let input = parse_assignment(checks, request.assignment.unwrap_or_default());
            checks.extend(input.violations_of_new());
            // The prefix is there because an id must begin with a letter.
            let id = id.unwrap_or_else(|| AssignmentId::trusted(format!("a-{}", Uuid::now_v7())));
            let position = u32::try_from(request.position).ok().filter(|position| *position > 0);
            Some((organization?, AssignmentCreation { assignment: input.into_new(id), position }))
        })?;
        mutation
            .run(
                async |context| self.app.change(context, &organization, &create).await,
                |created| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, created);
                    let assignment = Some(to_assignment(&organization, &created.value));
                    v1::CreateAssignmentResponse { assignment, warnings, preview, revision }
                },
            )
            .await
    }

    async fn get_assignment(
        &self,
        request: Request<v1::GetAssignmentRequest>,
    ) -> Result<Response<v1::GetAssignmentResponse>, Status> {
        let ((organization, id), at_least) =
            parse_read(request, |request, checks| checks.resource("name", names::parse_assignment(&request.name)))?;
        respond(self.app.get_assignment(&organization, &id, at_least).await, |found| v1::GetAssignmentResponse {
            assignment: Some(to_assignment(&organization, &found.value)),
            revision: tokens::revision(&organization, found.revision),
        })
    }

    async fn list_assignments(
        &self,
        request: Request<v1::ListAssignmentsRequest>,
    ) -> Result<Response<v1::ListAssignmentsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let listed = ListCursor::parse(page.after());
        let unlisted = |id: &AssignmentId| !listed.contains(id.as_str());
        let found = self.app.list_assignments(&organization, &unlisted, limit(&page), page.at_least()).await;
        respond(found, |found| {
            let Listed { assignments, etag } = found.value;
            let render = |view: &AssignmentView| to_assignment(&organization, view);
            let cursor = |rendered: &[AssignmentView], _: &AssignmentView| {
                listed.with(rendered.iter().map(|view| view.assignment.id.as_str()))
            };
            let (assignments, next_page_token) = page.render(&assignments, render, cursor);
            let revision = tokens::revision(&organization, found.revision);
            v1::ListAssignmentsResponse { assignments, next_page_token, revision, etag }
        })
    }

    async fn update_assignment(
        &self,
        request: Request<v1::UpdateAssignmentRequest>,
    ) -> Result<Response<v1::UpdateAssignmentResponse>, Status> {
        let (mutation, (organization, id, etag, input, selection)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let assignment = request.assignment.unwrap_or_default();
                let name = checks.resource("assignment.name", names::parse_assignment(&assignment.name));
                let etag = assignment.etag.clone();
                let written = settings::written_paths(assignment.settings.as_ref());
                let input = parse_assignment(checks, assignment);
                let selection = parse_assignment_mask(checks, request.update_mask, written);
                checks.extend(input.violations_of_update(&selection, name.as_ref().map(|(_, id)| id)));
                let (organization, id) = name?;
                Some((organization, id, etag, input, selection))
            })?;
        let update = AssignmentUpdate { id: &id, etag: optional_etag(&etag), input: &input, selection: &selection };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &update).await,
                |updated| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, updated);
                    let assignment = Some(to_assignment(&organization, &updated.value));
                    v1::UpdateAssignmentResponse { assignment, warnings, preview, revision }
                },
            )
            .await
    }

    async fn delete_assignment(
        &self,
        request: Request<v1::DeleteAssignmentRequest>,
    ) -> Result<Response<v1::DeleteAssignmentResponse>, Status> {
        let (mutation, (organization, id, resolve_members, etag)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let (organization, id) = checks.resource("name", names::parse_assignment(&request.name))?;
                Some((organization, id, request.resolve_members, request.etag))
            })?;
        let delete = AssignmentDeletion { id: &id, etag: optional_etag(&etag), resolve_members };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &delete).await,
                |deleted| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, deleted);
                    v1::DeleteAssignmentResponse { preview, revision, warnings }
                },
            )
            .await
    }

    async fn move_assignment(
        &self,
        request: Request<v1::MoveAssignmentRequest>,
    ) -> Result<Response<v1::MoveAssignmentResponse>, Status> {
        let (mutation, (organization, id, position, etag)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let name = checks.resource("name", names::parse_assignment(&request.name));
                let position = u32::try_from(request.position).unwrap_or(0);
                checks.require(position > 0, "position", "the position must be 1 or more");
                let (organization, id) = name?;
                Some((organization, id, position, request.etag))
            })?;
        let moving = AssignmentMove { id: &id, position, etag: optional_etag(&etag) };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &moving).await,
                |moved| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, moved);
                    let assignment = Some(to_assignment(&organization, &moved.value));
                    v1::MoveAssignmentResponse { assignment, preview, revision, warnings }
                },
            )
            .await
    }

    async fn reorder_assignments(
        &self,
        request: Request<v1::ReorderAssignmentsRequest>,
    ) -> Result<Response<v1::ReorderAssignmentsResponse>, Status> {
        let (mutation, (organization, order, etag)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let order = checks.names("assignments", &request.assignments, names::parse_assignment);
            checks.require(!request.etag.is_empty(), "etag", "give the etag of the order, from ListAssignments");
            Some((organization?, order, request.etag))
        })?;
        let reorder = ListReordering { order: &order, etag: &etag };
        mutation
            .run(
                async |context| self.app.change(context, &organization, &reorder).await,
                |reordered| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, reordered);
                    v1::ReorderAssignmentsResponse { etag: reordered.value.clone(), preview, revision, warnings }
                },
            )
            .await
    }

    async fn list_mixed_assignments(
        &self,
        request: Request<v1::ListMixedAssignmentsRequest>,
    ) -> Result<Response<v1::ListMixedAssignmentsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let listed = ListCursor::parse(page.after());
        let unlisted = |id: &AssignmentId| !listed.contains(id.as_str());
        let found = self.app.list_mixed_assignments(&organization, &unlisted, limit(&page), page.at_least()).await;
        respond(found, |found| {
            let render = |mixed: &MixedOverview| to_mixed(&organization, mixed);
            let cursor = |rendered: &[MixedOverview], _: &MixedOverview| {
                listed.with(rendered.iter().map(|mixed| mixed.assignment.id.as_str()))
            };
            let (mixed_assignments, next_page_token) = page.render(&found.value, render, cursor);
            let revision = tokens::revision(&organization, found.revision);
            v1::ListMixedAssignmentsResponse { mixed_assignments, next_page_token, revision }
        })
    }

    async fn lint_assignments(
        &self,
        request: Request<v1::LintAssignmentsRequest>,
    ) -> Result<Response<v1::LintAssignmentsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let listed = ListCursor::parse(page.after());
        let unlisted = |finding: &LintFinding| !listed.contains(&finding_key(finding));
        let found = self.app.lint_assignments(&organization, &unlisted, limit(&page), page.at_least()).await;
        respond(found, |found| {
            let render = |finding: &LintFinding| to_finding(&organization, finding);
            let cursor = |rendered: &[LintFinding], _: &LintFinding| listed.with(rendered.iter().map(finding_key));
            let (findings, next_page_token) = page.render(&found.value, render, cursor);
            let revision = tokens::revision(&organization, found.revision);
            v1::LintAssignmentsResponse { findings, revision, next_page_token }
        })
    }
}

fn limit(page: &Page) -> usize {
    usize::try_from(page.limit()).unwrap_or(usize::MAX)
}
