//! What is refused before anything is believed, or even parsed.

use postern_xml::{Document, Limits, read_operators_file};

fn code(text: impl AsRef<[u8]>) -> &'static str {
    Document::read(text.as_ref(), &Limits::default())
        .and_then(Document::into_unsigned)
        .map(|_| "accepted")
        .unwrap_or_else(|refusal| refusal.code)
}

#[test]
fn plain_documents_are_accepted() {
    for text in [
        "<a/>",
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>\n",
        "<a b='x>y' c=\"it's\">&lt;&#x41;&amp;</a>",
        "<a xmlns='urn:a'><b xmlns:c='urn:c' c:d='1' d='1'/></a>",
    ] {
        assert_eq!(code(text), "accepted", "{text}");
    }
}

#[test]
fn constructs_that_hide_things_have_their_own_codes() {
    for (text, expected) in [
        ("<!DOCTYPE a><a/>", "xml.dtd"),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "xml.dtd"),
        ("<!DOCTYPE a [<!ENTITY x 'xx'><!ENTITY y '&x;&x;'>]><a>&y;</a>", "xml.dtd"),
        ("<a>user@example.com<!---->.evil.example</a>", "xml.comment"),
        ("<!-- c --><a/>", "xml.comment"),
        ("<a/><!-- c -->", "xml.comment"),
        ("<a><![CDATA[x]]></a>", "xml.cdata"),
        ("<a><?php evil ?></a>", "xml.processing-instruction"),
        ("<?xml-stylesheet href='x'?><a/>", "xml.processing-instruction"),
        ("<a/><?x?>", "xml.processing-instruction"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>", "xml.encoding.unsupported"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "xml.encoding.unsupported"),
        ("<?xml version='1.0' encoding='utf-8-evil'?><a/>", "xml.encoding.unsupported"),
        ("<?xml version='1.1'?><a/>", "xml.version.unsupported"),
        ("<?xml version='1.0' standalone='maybe'?><a/>", "xml.malformed"),
        (" <?xml version='1.0'?><a/>", "xml.processing-instruction"),
        ("\u{feff}<a/>", "xml.encoding.bom"),
        ("\u{feff}<?xml version='1.0'?><a/>", "xml.encoding.bom"),
        ("<\0a\0/\0>\0", "xml.malformed"),
        ("\0<\0a\0/\0>", "xml.malformed"),
        ("<a>&x;</a>", "xml.malformed"),
        ("<a><b></a></b>", "xml.malformed"),
        ("<a b='1' b='2'/>", "xml.malformed"),
        ("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", "xml.malformed"),
        ("<p:a/>", "xml.malformed"),
        ("<a/><b/>", "xml.malformed"),
        ("<a", "xml.malformed"),
        ("<a b='<'/>", "xml.malformed"),
        ("<a>\u{1}</a>", "xml.malformed"),
        ("<a>&#0;</a>", "xml.malformed"),
        ("<a>&#1;</a>", "xml.malformed"),
        ("<a>&#x1f;</a>", "xml.malformed"),
        ("<a>&#xFFFE;</a>", "xml.malformed"),
        ("<a>&#xD800;</a>", "xml.malformed"),
        ("<a>&#x110000;</a>", "xml.malformed"),
        ("<a>&#99999999999;</a>", "xml.malformed"),
        ("<a b='&#1;'/>", "xml.malformed"),
        ("<a b='&#x1;'/>", "xml.malformed"),
        ("<a xmlns:xml='urn:x'/>", "xml.malformed"),
        ("<a xmlns:xmlns='urn:x'/>", "xml.malformed"),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "xml.malformed"),
        ("<a xmlns:p=''><p:b/></a>", "xml.malformed"),
        ("", "xml.malformed"),
        ("text", "xml.malformed"),
        ("<a ID='x1'><b ID='x1'/></a>", "xml.id.duplicate"),
        ("<a ID='x1'><b Id='x1'/></a>", "xml.id.duplicate"),
        ("<a ID='x1'><b xml:id='x1'/></a>", "xml.id.duplicate"),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
    assert_eq!(code(b"<a>\xff</a>"), "xml.encoding.not-utf8");
    assert_eq!(code(b"\xff\xfe<\0a\0/\0>\0"), "xml.encoding.not-utf8");
}

#[test]
fn limits_hold_before_the_parser_runs() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(code(nested(32)), "accepted");
    assert_eq!(code(nested(33)), "xml.depth.exceeded");
    let limits = Limits { max_bytes: 1 << 20, max_elements: 1 << 20, ..Limits::default() };
    let deep = nested(10_000);
    let Err(refusal) = Document::read(deep.as_bytes(), &limits) else { panic!("accepted") };
    assert_eq!(refusal.code, "xml.depth.exceeded");
    assert_eq!(code(format!("<a>{}</a>", "<b/>".repeat(512))), "xml.elements.too-many");
    let attributes: String = (0..33).map(|n| format!(" a{n}='='")).collect();
    assert_eq!(code(format!("<a{attributes}/>")), "xml.attributes.too-many");
    assert_eq!(code(format!("<a>{}</a>", "x".repeat(65_536))), "xml.too-large");
    let declared = |name: &str, length: usize| {
        let uri = "u".repeat(length);
        [format!("<a b='1' {name}='{uri}'/>"), format!("<a\n{name}\t=\n\"{uri}\" b=\"xmlns='\"/>")]
    };
    for name in ["xmlns", "xmlns:p"] {
        for (length, expected) in [(256, "accepted"), (257, "xml.namespace.too-long")] {
            for text in declared(name, length) {
                assert_eq!(code(&text), expected, "{text}");
            }
        }
    }
    // Those of all open elements count, and no longer once they are closed.
    let namespaces = |from: usize, to: usize| -> String {
        (from..to).map(|number| format!(" xmlns:p{number}='u'")).collect()
    };
    let (one, two, three) = (namespaces(0, 30), namespaces(30, 60), namespaces(60, 64));
    for (text, expected) in [
        (format!("<a{one}><b{two}><c{three}/></b></a>"), "accepted"),
        (format!("<a{one}><b{two}><c{three}/><c{three}></c><c{three}/></b><b{two}/></a>"), "accepted"),
        (format!("<a{one}><b{two}><c{three} xmlns=''/></b></a>"), "xml.namespaces.too-many"),
        (format!("<a{one}><b{two}><c{three}><d xmlns='u'></d></c></b></a>"), "xml.namespaces.too-many"),
        (format!("<a{one}>{}</a>", format!("<b{two}></b>").repeat(20)), "accepted"),
    ] {
        assert_eq!(code(&text), expected, "{text}");
    }
    for text in declared("other", 10_000) {
        assert_eq!(code(&text), "accepted");
    }
}

#[test]
fn names_are_ascii_with_a_prefix_or_without() {
    for text in [
        "<:a/>",
        "<a:/>",
        "<p:/>",
        "<a :b=''/>",
        "<a b:=''/>",
        "<a b: =''/>",
        "<a xmlns:=''/>",
        "<a xmlns:p='u'><p::b/></a>",
        "<a xmlns:p='u'><p:b:c/></a>",
        "<a xmlns:p='u'><p:1/></a>",
        "<a xmlns:p='u' p:-b=''/>",
        "<a xmlns:p='u'>\n<p:\n/></a>",
        "<\u{e9}/>",
        "<a b\u{feff}=''/>",
        "<a\u{a0}b=''/>",
        "<a xmlns:\u{e9}='u'/>",
    ] {
        assert_eq!(code(text), "xml.name.unsupported", "{text}");
    }
    let text = "<p:a-1.b xmlns:p='\u{e9}::' _c=':'\n p:d_=\"='x:\">\u{e9}: <p:b p:e='/:'/></p:a-1.b\n>";
    assert_eq!(code(text), "accepted");
}

#[test]
fn an_operators_file_may_have_comments_and_they_cut_nothing_off() {
    let text = "<?xml version='1.0'?><!-- c --><?p i?><a><b>one<!-- x -->two</b></a>";
    let element = read_operators_file(text.as_bytes(), &Limits::METADATA).unwrap();
    assert_eq!(element.elements().next().unwrap().text().as_deref(), Some("onetwo"));
    for text in ["<!DOCTYPE a><a/>", "<a><![CDATA[x]]></a>"] {
        assert!(read_operators_file(text.as_bytes(), &Limits::METADATA).is_err());
    }
}
