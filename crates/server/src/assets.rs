//! What the binary carries for browsers: the SDK's builds and the demo page.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use callbox_wire::{ApiError, ErrorCode};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The builds of `web/`. Empty until they are made; a debug build reads them from the folder at each request.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Web;

/// `/sdk/…`, for pages that load the SDK from the server.
pub(crate) fn sdk() -> Router {
    Router::new()
        .route("/sdk/{*path}", get(|Path(path): Path<String>| async move { asset(&format!("sdk/{path}")) }))
}

/// The demo at `/`, for development.
pub(crate) fn demo(app_key: &str) -> Router {
    let app_key = app_key.to_owned();
    Router::new()
        .route("/", get(move || async move { demo_page(&app_key) }))
        .route("/demo/{*path}", get(|Path(path): Path<String>| async move { asset(&format!("demo/{path}")) }))
}

fn demo_page(app_key: &str) -> Response {
    let page = Web::get("demo/index.html").and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    let Some(page) = page else { return Html(NOT_BUILT).into_response() };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(page.replace("__CALLBOX_APP_KEY__", app_key))).into_response()
}

fn asset(path: &str) -> Response {
    match Web::get(path) {
        Some(file) => send(path, file),
        None => not_found(),
    }
}

/// The body is written by the layer around everything, as for an operation.
fn not_found() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(ApiError::new(ErrorCode::NotFound));
    response
}

fn send(path: &str, file: EmbeddedFile) -> Response {
    let kind = match path.rsplit('.').next() {
        Some("js" | "mjs" | "cjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    // The demo's files carry a hash in their names; the SDK's do not.
    let cache =
        if path.starts_with("demo/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Scripts of other origins load the SDK from here.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; \
     media-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Callbox</title>\
<style>body{font:18px/1.5 system-ui;max-width:34em;margin:15vh auto;padding:0 1em;color-scheme:light dark}\
code{background:#8882;padding:.1em .4em;border-radius:.3em}</style>\
<h1>Callbox is running</h1><p>This build carries no web pages yet. Stop it and run <code>cargo xtask dev</code>, which \
builds the demo and the SDK and starts the server again. It needs Node 20 or later.</p></html>";
