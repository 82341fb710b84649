//! `OrganizationService`.

use rollcall_app::{
    organizations::{CatalogReplacement, OrganizationCreation, OrganizationUpdate},
    self_check::SelfCheckFilter,
};
use rollcall_domain::{OrganizationId, directory::MassChangeLimit, names, organization::OrganizationInput};
use rollcall_proto::v1::{self, organization_service_server::OrganizationService};
use tonic::{Request, Response, Status};

use super::{Services, optional_etag};
use crate::{
    call::{parse_read, respond},
    convert::{
        Effects,
        catalog::{parse_catalog, to_catalog},
        organizations::{parse_organization, to_organization, written_paths},
        self_check::{to_self_check, to_unchecked},
        to_effects,
    },
    masks::parse_mask,
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
            Some(OrganizationCreation {
                id,
                input: parse_organization(checks, request.organization.unwrap_or_default(), MassChangeLimit::default()),
            })
        })?;
        mutation
            .run(
                async |context| self.app.create_organization(context, create).await,
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
        let (mutation, (id, etag, input, selection)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = request.organization.unwrap_or_default();
            let id = checks.organization("organization.name", names::parse_organization(&organization.name));
            let etag = organization.etag.clone();
            let written = written_paths(&organization);
            // A mask that names the limit sets an absent half to 0, as for clients that know no presence.
            let input = parse_organization(checks, organization, MassChangeLimit { members: 0, percent: 0 });
            let (mask, paths) = (request.update_mask, &OrganizationInput::PATHS);
            let selection = parse_mask(checks, mask, written, paths, OrganizationInput::refuse_path);
            Some((id?, etag, input, selection))
        })?;
        let update = OrganizationUpdate { etag: optional_etag(&etag), input: &input, selection: &selection };
        mutation
            .run(
                async |context| self.app.change(context, &id, &update).await,
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
        let replace = CatalogReplacement { catalog: &catalog, etag: &etag };
        mutation
            .run(
                async |context| self.app.change(context, &id, &replace).await,
                |updated| {
                    let Effects { preview, warnings, revision } = to_effects(&id, updated);
                    let catalog = Some(to_catalog(&id, &updated.value));
                    v1::UpdateCatalogResponse { catalog, revision, warnings, preview }
                },
            )
            .await
    }

    async fn check_organization(
        &self,
        request: Request<v1::CheckOrganizationRequest>,
    ) -> Result<Response<v1::CheckOrganizationResponse>, Status> {
        let (id, at_least) = parse_read(request, |request, checks| {
            checks.organization("name", names::parse_organization(&request.name))
        })?;
        respond(self.app.check_organization(&id, at_least).await, |check| v1::CheckOrganizationResponse {
            self_check: Some(to_self_check(&id, &check)),
            revision: tokens::revision(&id, check.revision),
        })
    }

    async fn get_self_check(
        &self,
        request: Request<v1::GetSelfCheckRequest>,
    ) -> Result<Response<v1::GetSelfCheckResponse>, Status> {
        let (id, at_least) = parse_read(request, |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "selfCheck"))
        })?;
        respond(self.app.get_self_check(&id, at_least).await, |found| v1::GetSelfCheckResponse {
            self_check: Some(found.value.as_ref().map_or_else(|| to_unchecked(&id), |check| to_self_check(&id, check))),
            revision: tokens::revision(&id, found.revision),
            checked_revision: found.value.map(|check| tokens::revision(&id, check.revision)).unwrap_or_default(),
        })
    }

    async fn list_self_checks(
        &self,
        request: Request<v1::ListSelfChecksRequest>,
    ) -> Result<Response<v1::ListSelfChecksResponse>, Status> {
        let (filter, page) = self.pages.parse_list(request, |request, _| {
            let only = request.only_with_differences;
            Some(if only { SelfCheckFilter::WithDifferences } else { SelfCheckFilter::All })
        })?;
        respond(self.app.list_self_checks(filter, page.after(), page.limit()).await, |found| {
            let render = |(id, check): &_| to_self_check(id, check);
            let (self_checks, next_page_token) = page.render(&found, render, |_, (last, _)| last.to_string());
            v1::ListSelfChecksResponse { self_checks, next_page_token }
        })
    }
}
