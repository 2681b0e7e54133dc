//! DER (X.690) as RFC 4120 and RFC 4178 use it: tags of one byte, definite lengths in their shortest form.

/// What is wrong with it. Whoever reads says which message it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Bytes that are read from front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'d>(&'d [u8]);

/// Universal tags.
pub mod tag {
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// GeneralString, which is KerberosString.
    pub const GENERAL_STRING: u8 = 0x1b;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;

    /// `[number]`, constructed. Numbers below 31.
    pub const fn context(number: u8) -> u8 {
        0xa0 | (number & 0x1f)
    }

    /// `[APPLICATION number]`, constructed.
    pub const fn application(number: u8) -> u8 {
        0x60 | (number & 0x1f)
    }
}

impl<'d> Reader<'d> {
    /// Of these bytes, all of them.
    pub fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub fn rest(self) -> &'d [u8] {
        self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The contents of the next element, which has this tag.
    ///
    /// # Errors
    /// When it has another one, or is cut, or its length is not DER.
    pub fn take(&mut self, expected: u8) -> Result<&'d [u8], Malformed> {
        let (tag, rest) = self.0.split_first().ok_or(Malformed)?;
        if *tag != expected {
            return Err(Malformed);
        }
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(contents)
    }

    /// The same, when the next element has this tag.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_if(&mut self, expected: u8) -> Result<Option<&'d [u8]>, Malformed> {
        if self.0.first() == Some(&expected) { self.take(expected).map(Some) } else { Ok(None) }
    }

    /// The contents of the next element, to be read.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn inside(&mut self, expected: u8) -> Result<Self, Malformed> {
        self.take(expected).map(Self)
    }

    /// One element of the tag, and nothing but it, in `[number]`.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn tagged(&mut self, number: u8, expected: u8) -> Result<&'d [u8], Malformed> {
        let mut inside = self.inside(tag::context(number))?;
        let contents = inside.take(expected)?;
        inside.end().map(|()| contents)
    }

    /// The same, when there is `[number]`.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn tagged_if(&mut self, number: u8, expected: u8) -> Result<Option<&'d [u8]>, Malformed> {
        if self.0.first() == Some(&tag::context(number)) {
            self.tagged(number, expected).map(Some)
        } else {
            Ok(None)
        }
    }

    /// An integer of 64 bits in `[number]`.
    ///
    /// # Errors
    /// As [`Self::take`], and when it is larger, or longer than it has to be.
    pub fn integer(&mut self, number: u8) -> Result<i64, Malformed> {
        integer(self.tagged(number, tag::INTEGER)?)
    }

    /// The same, when there is `[number]`.
    ///
    /// # Errors
    /// As [`Self::integer`].
    pub fn integer_if(&mut self, number: u8) -> Result<Option<i64>, Malformed> {
        self.tagged_if(number, tag::INTEGER)?.map(integer).transpose()
    }

    /// A KerberosString in `[number]`: printable ASCII, 1 to 255 bytes.
    ///
    /// # Errors
    /// As [`Self::take`], and when it is something else.
    pub fn string(&mut self, number: u8) -> Result<&'d str, Malformed> {
        string(self.tagged(number, tag::GENERAL_STRING)?)
    }

    /// A KerberosTime in `[number]`, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Self::take`], and when it is no such time.
    pub fn time(&mut self, number: u8) -> Result<u64, Malformed> {
        time(self.tagged(number, tag::GENERALIZED_TIME)?)
    }

    /// The same, when there is `[number]`.
    ///
    /// # Errors
    /// As [`Self::time`].
    pub fn time_if(&mut self, number: u8) -> Result<Option<u64>, Malformed> {
        self.tagged_if(number, tag::GENERALIZED_TIME)?.map(time).transpose()
    }
}

/// A length, and what stands behind it. Four bytes at most, and none that could be left out.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (first, rest) = bytes.split_first().ok_or(Malformed)?;
    if *first < 0x80 {
        return Ok((usize::from(*first), rest));
    }
    let count = usize::from(*first & 0x7f);
    let (digits, rest) = rest.split_at_checked(count).ok_or(Malformed)?;
    let is_shortest = digits.first().is_some_and(|digit| *digit != 0) && (count > 1 || digits >= &[0x80][..]);
    if !is_shortest || count > 4 {
        return Err(Malformed);
    }
    let length = digits.iter().fold(0_u32, |length, digit| length << 8 | u32::from(*digit));
    usize::try_from(length).map(|length| (length, rest)).map_err(|_| Malformed)
}

fn integer(digits: &[u8]) -> Result<i64, Malformed> {
    let is_longer = match digits {
        [] => return Err(Malformed),
        [first, second, ..] => (*first == 0 && *second < 0x80) || (*first == 0xff && *second >= 0x80),
        [_] => false,
    };
    if is_longer || digits.len() > 8 {
        return Err(Malformed);
    }
    let is_negative = digits.first().is_some_and(|first| *first >= 0x80);
    let start = if is_negative { -1_i64 } else { 0 };
    Ok(digits.iter().fold(start, |value, digit| value << 8 | i64::from(*digit)))
}

/// KerberosString (RFC 4120 section 5.2.1) as both of its versions read it.
///
/// # Errors
/// When it is not 1 to 255 bytes of printable ASCII.
pub fn string(bytes: &[u8]) -> Result<&str, Malformed> {
    let is_good = (1..=255).contains(&bytes.len()) && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if is_good { core::str::from_utf8(bytes).map_err(|_| Malformed) } else { Err(Malformed) }
}

/// `YYYYMMDDHHMMSSZ` (RFC 4120 section 5.2.3), from 1970 on.
fn time(bytes: &[u8]) -> Result<u64, Malformed> {
    let digits = bytes.strip_suffix(b"Z").filter(|digits| digits.len() == 14).ok_or(Malformed)?;
    let number = |from: usize, count: usize| -> Result<u64, Malformed> {
        digits.iter().skip(from).take(count).try_fold(0_u64, |value, digit| {
            let digit = char::from(*digit).to_digit(10).ok_or(Malformed)?;
            value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit))).ok_or(Malformed)
        })
    };
    let (year, month, day) = (number(0, 4)?, number(4, 2)?, number(6, 2)?);
    let (hour, minute, second) = (number(8, 2)?, number(10, 2)?, number(12, 2)?);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days_of_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return Err(Malformed),
    };
    if year < 1970 || !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(Malformed);
    }
    // Days of the years before and of the months before, with March as the first month of a year.
    let (shifted, months) = if month > 2 {
        (year, month.saturating_sub(3))
    } else {
        (year.saturating_sub(1), month.saturating_add(9))
    };
    let leaps = (shifted / 4).saturating_sub(shifted / 100).saturating_add(shifted / 400);
    let days = shifted
        .saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(months.saturating_mul(153).saturating_add(2) / 5)
        .saturating_add(day)
        .saturating_sub(719_469);
    let seconds = hour.saturating_mul(3_600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Ok(days.saturating_mul(86_400).saturating_add(seconds))
}
