//! HTTP/1.1 as a client speaks it: one request for each connection.

use postern_proxy_wasm::HttpCallResponse;

/// The request as bytes. None without method, path or authority: no filter sends such a thing twice.
pub(crate) fn request(headers: &[(&[u8], &[u8])], body: &[u8]) -> Option<Vec<u8>> {
    let pseudo = |wanted: &[u8]| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let (method, path, authority) = (pseudo(b":method")?, pseudo(b":path")?, pseudo(b":authority")?);
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    if !is_word(method) || !is_word(path) || !is_word(authority) {
        return None;
    }
    let mut bytes =
        [method, b" ", path, b" HTTP/1.1\r\nhost: ", authority, b"\r\nconnection: close\r\n"].concat();
    let own = [&b"host"[..], b"connection", b"content-length", b"transfer-encoding"];
    for (name, value) in headers {
        if !name.starts_with(b":") && !own.contains(name) {
            bytes.extend([*name, b": ", *value, b"\r\n"].concat());
        }
    }
    if !body.is_empty() || method == b"POST" {
        bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Some(bytes)
}

/// What has come so far.
pub(crate) enum Parsed {
    Partial,
    Malformed,
    Whole(HttpCallResponse),
}

/// Reads a response. `ended`: nothing more will come.
pub(crate) fn response(bytes: &[u8], ended: bool) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut fields);
    let begin = match head.parse(bytes) {
        Ok(httparse::Status::Complete(begin)) => begin,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Malformed,
    };
    let Some(status) = head.code else { return Parsed::Malformed };
    if (100..200).contains(&status) && status != 101 {
        return response(bytes.get(begin..).unwrap_or_default(), ended);
    }
    let rest = bytes.get(begin..).unwrap_or_default();
    let values = |wanted: &str| {
        head.headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(wanted))
            .map(|field| field.value)
            .collect::<Vec<_>>()
    };
    let body = match (values("transfer-encoding").as_slice(), values("content-length").as_slice()) {
        _ if status == 204 || status == 304 => Some(Vec::new()),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => match chunks(rest) {
            Ok(body) => body,
            Err(()) => return Parsed::Malformed,
        },
        ([], [length]) => {
            let digits = std::str::from_utf8(length)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let Some(length) = digits.and_then(|digits| digits.parse::<usize>().ok()) else {
                return Parsed::Malformed;
            };
            rest.get(..length).map(<[u8]>::to_vec)
        }
        ([], []) => ended.then(|| rest.to_vec()),
        _ => return Parsed::Malformed,
    };
    let Some(body) = body else { return Parsed::Partial };
    let mut headers = vec![(b":status".to_vec(), status.to_string().into_bytes())];
    headers.extend(
        head.headers.iter().map(|field| (field.name.to_ascii_lowercase().into_bytes(), field.value.to_vec())),
    );
    Parsed::Whole(HttpCallResponse { headers, body, trailers: Vec::new() })
}

/// The decoded body, none when the last chunk has not come.
fn chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>, ()> {
    let mut body = Vec::new();
    loop {
        let (begin, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(()),
        };
        let size = usize::try_from(size).map_err(|_| ())?;
        if size == 0 {
            return Ok(Some(body));
        }
        let end = begin.checked_add(size).ok_or(())?;
        let Some(chunk) = rest.get(begin..end) else { return Ok(None) };
        body.extend_from_slice(chunk);
        match rest.get(end..end + 2) {
            Some(b"\r\n") => rest = rest.get(end + 2..).unwrap_or_default(),
            Some(_) => return Err(()),
            None => return Ok(None),
        }
    }
}
