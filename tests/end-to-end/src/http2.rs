//! HTTP/2 requests with pseudo-headers of the test's choice.
use std::net::SocketAddr;
use std::sync::Arc;

use h2::client;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderName, HeaderValue, Method, Request};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::Origin;
use crate::wire::Answer;

/// Sends one request over HTTP/2 and reads the answer.
///
/// # Errors
/// When the origin has no TLS, the target can't be a `:path`, or the connection or stream breaks.
pub fn send(
    origin: &Origin,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(exchange(origin, request(origin, method, target, headers)?, body.to_vec()))
}

fn request(
    origin: &Origin,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<Request<()>, String> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(Authority::try_from(origin.authority()).map_err(|error| error.to_string())?);
    parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(|error| error.to_string())?);
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        request.headers_mut().append(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
    }
    Ok(request)
}

async fn exchange(origin: &Origin, request: Request<()>, body: Vec<u8>) -> Result<Answer, String> {
    let mut configuration: ClientConfig = origin.tls.as_deref().ok_or("HTTP/2 needs TLS here")?.clone();
    configuration.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], origin.port)))
        .await
        .map_err(|error| error.to_string())?;
    let name = ServerName::try_from(origin.name.clone()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(configuration))
        .connect(name, stream)
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = client::handshake(stream).await.map_err(|error| error.to_string())?;
    let driver = tokio::spawn(connection);
    let (response, mut sending) =
        sender.send_request(request, body.is_empty()).map_err(|error| error.to_string())?;
    if !body.is_empty() {
        sending.send_data(body.into(), true).map_err(|error| error.to_string())?;
    }
    let (head, mut receiving) = response.await.map_err(|error| error.to_string())?.into_parts();
    let mut received = Vec::new();
    while let Some(data) = receiving.data().await {
        let data = data.map_err(|error| error.to_string())?;
        let _ = receiving.flow_control().release_capacity(data.len());
        received.extend_from_slice(&data);
    }
    driver.abort();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Answer { status: head.status.as_u16(), headers, body: received })
}
