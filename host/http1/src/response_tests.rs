use super::*;

/// The response of a connection that sends these bytes and ends, in pieces of that size.
fn run(bytes: &[u8], step: usize) -> Result<Response, Unreadable> {
    let mut reader = ResponseReader::new(false, 1000);
    for (index, piece) in bytes.chunks(step.max(1)).enumerate() {
        if let Some(response) = reader.take(piece)? {
            let taken = index * step + piece.len();
            return if taken == bytes.len() { Ok(response) } else { Err(Unreadable) };
        }
    }
    reader.end()
}

fn read(text: &str) -> Result<Response, Unreadable> {
    let whole = run(text.as_bytes(), text.len());
    for step in [1, 2, 3, 7] {
        assert_eq!(run(text.as_bytes(), step), whole, "pieces of {step}: {text:?}");
    }
    whole
}

fn body(text: &str) -> String {
    String::from_utf8(read(text).unwrap_or_else(|_| panic!("{text:?}")).body).unwrap()
}

#[test]
fn a_body_has_a_length_or_chunks_or_ends_with_the_connection() {
    let response = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:  b \r\n\r\nhi").unwrap();
    assert_eq!((response.status, response.body.as_slice(), response.keeps_alive), (200, &b"hi"[..], true));
    assert_eq!(response.headers[1], (b"x-a".to_vec(), b"b".to_vec()));
    assert_eq!(
        body("HTTP/1.1 404\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        "abc0123456789"
    );
    let response = read("HTTP/1.0 200 OK\r\n\r\nto the end").unwrap();
    assert_eq!((response.body.as_slice(), response.keeps_alive), (&b"to the end"[..], false));
    assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n"), "");
    assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "");
}

#[test]
fn trailers_and_interim_responses_are_read() {
    let text = "HTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                1\r\na\r\n0\r\nX-Sum: 1\r\nx-more: 2\r\n\r\n";
    let response = read(text).unwrap();
    assert_eq!((response.status, response.headers.len()), (200, 1));
    assert_eq!(response.trailers, [(b"x-sum".to_vec(), b"1".to_vec()), (b"x-more".to_vec(), b"2".to_vec())]);
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    assert_eq!(read(&format!("{many}HTTP/1.1 204 No\r\n\r\n")), Err(Unreadable));
}

#[test]
fn the_answer_to_head_has_no_body() {
    let mut reader = ResponseReader::new(true, 1000);
    let response = reader.take(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n").unwrap().unwrap();
    assert!(response.body.is_empty() && response.keeps_alive);
}

#[test]
fn a_connection_is_kept_only_when_both_know_where_the_response_ends() {
    let keeps = |headers: &str| read(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n")).unwrap().keeps_alive;
    assert!(keeps("content-length: 0\r\n"));
    assert!(!keeps("content-length: 0\r\nConnection: Close\r\n"));
    assert!(!keeps("content-length: 0\r\nconnection: x, close\r\n"));
    assert!(!keeps(""));
    assert!(!read("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap().keeps_alive);
}

/// What two readers could read in two ways, and what no server sends.
#[test]
fn hostile_responses_are_unreadable() {
    let long = "a".repeat(100_000);
    for text in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\nx: a\n\n",
        "HTTP/1.1 200 O\rK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\nb: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\n0\n\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffff\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: a\n\r\n",
        &format!("HTTP/1.1 200 OK\r\nx: {long}\r\n\r\n"),
        &format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: a\r\n".repeat(101)),
        &format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n{}\r\n", "x: a\r\n".repeat(101)),
        &format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", "1\r\na\r\n".repeat(1001)),
        &format!("HTTP/1.0 200 OK\r\n\r\n{}", "a".repeat(1001)),
    ] {
        assert_eq!(read(text), Err(Unreadable), "{text:.200?}");
    }
}

#[test]
fn an_untouched_reader_is_one_that_nothing_has_come_to() {
    let mut reader = ResponseReader::new(false, 10);
    assert!(reader.is_untouched());
    assert_eq!(reader.take(b"H"), Ok(None));
    assert!(!reader.is_untouched());
}
