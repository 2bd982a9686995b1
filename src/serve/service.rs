//! Handles one request: authentication, the route, and the endpoint.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, EXPECT};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use serde_json::json;

use super::places::Guest;
use super::refusal::RequestRefusal;
use super::registry::{ServedRegistry, say};
use super::request::RequestBody;
use super::response::{self, DOCKER_DISTRIBUTION_API_VERSION, HandlerResult};
use super::route::Route;
use super::{blobs, lists, manifests, referrers, uploads};
use crate::terminal;

/// Answers any request. Refusals and internal errors become error responses.
pub(super) async fn answer(
    registry: Arc<ServedRegistry>,
    guest: Arc<Guest>,
    request: Request<Incoming>,
) -> HandlerResult {
    let began = Instant::now();
    guest.has_asked();
    let (parts, incoming) = request.into_parts();
    let waiting = parts.headers.get(EXPECT).is_some();
    let mut body = RequestBody::new(incoming, waiting, Arc::clone(&guest));
    let mut response = match handle(&registry, &parts, &mut body).await {
        Ok(response) => response,
        Err(refusal) => {
            if let RequestRefusal::Failed(cause) | RequestRefusal::Full(cause) = &refusal {
                log::error!("{}: {}", cause, cause.source);
            }
            refusal.into_response()
        }
    };
    response::set(&mut response, DOCKER_DISTRIBUTION_API_VERSION, "registry/2.0");
    if !body.drain().await {
        // The rest of the body cannot be told apart from the next request, so the connection is closed.
        response::set(&mut response, CONNECTION, "close");
    }
    if registry.debug {
        // The line has the URL without its query, as the client's log does. The path comes from the client and may
        // contain any characters, so it is escaped. The answer is about to be sent, and may still break off.
        let (method, status, received) = (&parts.method, response.status().as_u16(), body.received());
        let path = terminal::tame(parts.uri.path(), &[], |c| c.escape_unicode().to_string());
        let sent = if method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
        let took = began.elapsed().as_millis();
        say(&format!("{method} {path}: {status}, {received} B received, {sent} B sent, {took} ms"));
    }
    guest.is_to_take();
    response.map(|body| body.to(guest))
}

async fn handle(
    registry: &ServedRegistry,
    parts: &Parts,
    body: &mut RequestBody,
) -> Result<HandlerResult, RequestRefusal> {
    if let Some(users) = &registry.users {
        users.admit(parts.headers.get(AUTHORIZATION)).await?;
    }
    let route = Route::parse(parts.uri.path())?;
    if matches!(route, Route::Referrers(..)) && !registry.referrers {
        return Err(RequestRefusal::NotFound);
    }
    route.check(&parts.method)?;
    let query = parts.uri.query();
    match route {
        Route::Base => Ok(response::json(StatusCode::OK, &json!({}))),
        Route::Catalog => lists::catalog(registry, query).await,
        Route::Tags(name) => lists::tags(registry, name, query).await,
        Route::Referrers(name, subject) => referrers::list(registry, name, subject, query).await,
        Route::Blob(name, digest) => match parts.method {
            Method::DELETE => blobs::delete(registry, name, digest).await,
            _ => blobs::get(registry, &name, digest, &parts.method, &parts.headers),
        },
        Route::Manifest(name, target) => match parts.method {
            Method::PUT => manifests::put(registry, name, target, parts, body).await,
            Method::DELETE => manifests::delete(registry, name, target).await,
            _ => manifests::get(registry, &name, target, parts),
        },
        Route::Uploads(name) => uploads::post(registry, name, parts, body).await,
        Route::Upload(name, id) => match parts.method {
            Method::PATCH => uploads::patch(registry, name, &id, parts, body).await,
            Method::PUT => uploads::put(registry, name, &id, parts, body).await,
            Method::DELETE => uploads::delete(registry, &name, &id),
            _ => uploads::get(registry, name, &id).await,
        },
    }
}
