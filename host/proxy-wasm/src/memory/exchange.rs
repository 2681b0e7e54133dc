//! A request and its response, in memory.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use crate::filter_state::FilterState;
use crate::host::Stream;
use crate::status::Status;
use crate::types::{Body, Direction, HeaderMap, LocalResponse, PropertyPath};

/// HTTP fields in order.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A local response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// For the access log.
    pub details: String,
    /// Its headers, as the plugin gave them.
    pub headers: Pairs,
    /// Its body.
    pub body: Vec<u8>,
}

/// A request and its response, and what plugins did to them.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// By [`HeaderMap`]; none when there is no such map (yet).
    pub maps: [Option<Pairs>; 4],
    /// By [`Body`]: what is held.
    pub bodies: [Option<Vec<u8>>; 2],
    /// Properties of the request: path with NUL between the parts.
    pub properties: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Properties that plugins set.
    pub state: FilterState,
    /// The response that a plugin gave instead of the upstream.
    pub answer: Option<Answer>,
    /// Directions that a plugin resumed, in order.
    pub resumed: Vec<Direction>,
    /// Directions that a plugin closed, in order.
    pub closed: Vec<Direction>,
}

impl Exchange {
    /// A request with these headers; pseudo headers come first.
    pub fn request(headers: &[(&str, &str)]) -> Self {
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        Self { maps: [Some(pairs), None, None, None], ..Self::default() }
    }

    /// The fields of a map; empty when it is not there.
    pub fn fields(&self, map: HeaderMap) -> &[(Vec<u8>, Vec<u8>)] {
        self.maps[map as usize].as_deref().unwrap_or_default()
    }

    /// The value of the first field of that name, as text.
    pub fn field(&self, map: HeaderMap, name: &str) -> Option<String> {
        let found = self.fields(map).iter().find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

/// An [`Exchange`] that the test keeps, too.
#[derive(Clone, Debug, Default)]
pub struct MemoryStream(pub Rc<RefCell<Exchange>>);

impl MemoryStream {
    fn edit<T>(&self, map: HeaderMap, edit: impl FnOnce(&mut Pairs) -> T) -> Result<T, Status> {
        self.0.borrow_mut().maps[map as usize].as_mut().map(edit).ok_or(Status::BadArgument)
    }
}

impl From<Exchange> for MemoryStream {
    fn from(exchange: Exchange) -> Self {
        Self(Rc::new(RefCell::new(exchange)))
    }
}

impl Stream for MemoryStream {
    fn headers(&mut self, map: HeaderMap, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Status> {
        self.edit(map, |pairs| pairs.iter().for_each(|(name, value)| each(name, value)))
    }

    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status> {
        self.edit(map, |pairs| pairs.push((name.to_vec(), value.to_vec())))
    }

    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Status> {
        self.edit(map, |pairs| match pairs.iter().position(|(field, _)| field.eq_ignore_ascii_case(name)) {
            Some(first) => {
                pairs[first].1 = value.to_vec();
                let mut index = 0;
                pairs.retain(|(field, _)| {
                    let keep = index <= first || !field.eq_ignore_ascii_case(name);
                    index += 1;
                    keep
                });
            }
            None => pairs.push((name.to_vec(), value.to_vec())),
        })
    }

    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), Status> {
        self.edit(map, |pairs| pairs.retain(|(field, _)| !field.eq_ignore_ascii_case(name)))
    }

    fn body_size(&mut self, body: Body) -> Result<usize, Status> {
        self.0.borrow().bodies[body as usize].as_ref().map(Vec::len).ok_or(Status::NotFound)
    }

    fn read_body(&mut self, body: Body, start: usize, into: &mut [u8]) -> Result<(), Status> {
        let exchange = self.0.borrow();
        let bytes = exchange.bodies[body as usize].as_ref().ok_or(Status::NotFound)?;
        let part = start.checked_add(into.len()).and_then(|end| bytes.get(start..end));
        into.copy_from_slice(part.ok_or(Status::BadArgument)?);
        Ok(())
    }

    fn replace_body(&mut self, body: Body, range: Range<usize>, with: &[u8]) -> Result<(), Status> {
        let mut exchange = self.0.borrow_mut();
        let bytes = exchange.bodies[body as usize].as_mut().ok_or(Status::NotFound)?;
        if range.start > range.end || range.end > bytes.len() {
            return Err(Status::BadArgument);
        }
        bytes.splice(range, with.iter().copied());
        Ok(())
    }

    fn property(&mut self, path: PropertyPath<'_>) -> Option<Cow<'_, [u8]>> {
        let exchange = self.0.borrow();
        let found = exchange.state.property(path);
        found
            .or_else(|| exchange.properties.get(path.as_bytes()).map(Vec::as_slice))
            .map(|value| Cow::Owned(value.to_vec()))
    }

    fn set_property(&mut self, path: PropertyPath<'_>, value: &[u8]) -> Result<(), Status> {
        self.0.borrow_mut().state.set(path, value)
    }

    fn send_local_response(&mut self, response: &LocalResponse<'_>) -> Result<(), Status> {
        let headers = response.headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        self.0.borrow_mut().answer = Some(Answer {
            status: response.status,
            details: String::from_utf8_lossy(response.details).into_owned(),
            headers,
            body: response.body.to_vec(),
        });
        Ok(())
    }

    fn resume(&mut self, direction: Direction) -> Result<(), Status> {
        self.0.borrow_mut().resumed.push(direction);
        Ok(())
    }

    fn close(&mut self, direction: Direction) -> Result<(), Status> {
        self.0.borrow_mut().closed.push(direction);
        Ok(())
    }
}
