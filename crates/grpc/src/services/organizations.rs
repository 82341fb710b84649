//! `OrganizationService`.

use rollcall_app::organizations::Update;
use rollcall_domain::{OrganizationId, Violation, names};
use rollcall_proto::v1::{self, organization_service_server::OrganizationService};
use tonic::{Request, Response, Status};

use super::{Services, optional_etag};
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{
        Effects,
        catalog::{parse_catalog, to_catalog},
        organizations::{OrganizationFields, PATHS, to_organization},
        to_effects,
    },
    masks::Mask,
    mutation::Mutation,
    tokens,
};

#[tonic::async_trait]
impl OrganizationService for Services {
    async fn create_organization(
        &self,
        request: Request<v1::CreateOrganizationRequest>,
    ) -> Result<Response<v1::CreateOrganizationResponse>, Status> {
        let (mutation, create) = Mutation::parse(request.into_inner(), |request, checks| {
            let id = checks.optional_id("organization_id", &request.organization_id, OrganizationId::parse);
            Some(OrganizationFields::parse(checks, request.organization.unwrap_or_default()).into_create(id))
        })?;
        mutation
            .run(
                async |call| self.app.create_organization(call, create).await,
                |created| {
                    let Effects { preview, revision, .. } = to_effects(&created.value.id, created);
                    let organization = Some(to_organization(&created.value));
                    v1::CreateOrganizationResponse { organization, revision, preview }
                },
            )
            .await
    }

    async fn get_organization(
        &self,
        request: Request<v1::GetOrganizationRequest>,
    ) -> Result<Response<v1::GetOrganizationResponse>, Status> {
        let (id, at_least) = parse_read(request, |request, checks| {
            checks.organization("name", names::parse_organization(&request.name))
        })?;
        respond(self.app.get_organization(&id, at_least).await, |found| v1::GetOrganizationResponse {
            organization: Some(to_organization(&found.value)),
            revision: tokens::revision(&id, found.revision),
        })
    }

    async fn list_organizations(
        &self,
        request: Request<v1::ListOrganizationsRequest>,
    ) -> Result<Response<v1::ListOrganizationsResponse>, Status> {
        let ((), page) = self.pages.parse_list(request, |_, _| Some(()))?;
        respond(self.app.list_organizations(page.after(), page.limit()).await, |found| {
            let (organizations, next_page_token) = page.render(&found, to_organization, |_, last| last.id.to_string());
            v1::ListOrganizationsResponse { organizations, next_page_token }
        })
    }

    async fn update_organization(
        &self,
        request: Request<v1::UpdateOrganizationRequest>,
    ) -> Result<Response<v1::UpdateOrganizationResponse>, Status> {
        let (mutation, (id, etag, phase, edit)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = request.organization.unwrap_or_default();
            let id = checks.organization("organization.name", names::parse_organization(&organization.name));
            let etag = organization.etag.clone();
            let fields = OrganizationFields::parse(checks, organization);
            // A mask that names single fields does not select the phase.
            let phase = fields.phase.filter(|_| Mask::is_of_all(request.update_mask.as_ref()));
            let edit = fields.into_edit(&parse_mask(checks, request.update_mask));
            Some((id?, etag, phase, edit))
        })?;
        let update = Update { etag: optional_etag(&etag), phase, edit };
        mutation
            .run(
                async |call| self.app.update_organization(call, &id, &update).await,
                |updated| {
                    let Effects { preview, revision, .. } = to_effects(&id, updated);
                    let organization = Some(to_organization(&updated.value));
                    v1::UpdateOrganizationResponse { organization, preview, revision }
                },
            )
            .await
    }

    async fn get_catalog(
        &self,
        request: Request<v1::GetCatalogRequest>,
    ) -> Result<Response<v1::GetCatalogResponse>, Status> {
        let (id, at_least) = parse_read(request, |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "catalog"))
        })?;
        respond(self.app.get_catalog(&id, at_least).await, |found| v1::GetCatalogResponse {
            catalog: Some(to_catalog(&id, &found.value)),
            revision: tokens::revision(&id, found.revision),
        })
    }

    async fn update_catalog(
        &self,
        request: Request<v1::UpdateCatalogRequest>,
    ) -> Result<Response<v1::UpdateCatalogResponse>, Status> {
        let (mutation, (id, catalog, etag)) = Mutation::parse(request.into_inner(), |request, checks| {
            let catalog = request.catalog.unwrap_or_default();
            let id = checks.organization("catalog.name", names::parse_singleton(&catalog.name, "catalog"));
            checks.require(!catalog.etag.is_empty(), "catalog.etag", "the etag is required: take it from GetCatalog");
            let etag = catalog.etag.clone();
            let catalog = parse_catalog(checks, catalog);
            checks.extend(catalog.violations().into_iter().map(|violation| violation.at("catalog")));
            Some((id?, catalog, etag))
        })?;
        mutation
            .run(
                async |call| self.app.update_catalog(call, &id, &catalog, &etag).await,
                |updated| {
                    let Effects { preview, warnings, revision } = to_effects(&id, updated);
                    let catalog = Some(to_catalog(&id, &updated.value));
                    v1::UpdateCatalogResponse { catalog, revision, warnings, preview }
                },
            )
            .await
    }
}

fn parse_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let phase = |path: &str| {
        let description = "only the migration changes the phase; leave it out of the mask";
        (path == "phase").then(|| Violation::invalid("update_mask", description))
    };
    Mask::read(checks, mask, &PATHS, phase)
}
