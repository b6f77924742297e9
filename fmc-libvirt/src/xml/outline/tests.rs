//! The outline against `roxmltree`, and what it refuses.

use roxmltree::Document;

use super::*;

/// Asserts that an outline agrees with `roxmltree`.
pub(crate) fn assert_reads_as_roxmltree(text: &str) {
    let document = Document::parse(text).unwrap();
    let outline = Outline::read(text).unwrap();
    assert_same(outline.root(), document.root_element());
}

fn assert_same(ours: Node<'_>, theirs: roxmltree::Node<'_, '_>) {
    assert_eq!(ours.name(), theirs.tag_name().name());
    let plain = theirs.attributes().filter(|attribute| attribute.namespace().is_none());
    let ours_plain = ours.attributes().filter(|(name, _)| !name.contains(':'));
    assert!(ours_plain.eq(plain.map(|attribute| (attribute.name(), attribute.value()))), "{theirs:?}");
    if !theirs.children().any(|child| child.is_comment()) {
        assert_eq!(ours.text().unwrap_or_default(), theirs.text().unwrap_or_default().trim(), "{theirs:?}");
    }
    let children: Vec<_> = theirs.children().filter(roxmltree::Node::is_element).collect();
    assert_eq!(ours.children().count(), children.len());
    for (ours_child, child) in ours.children().zip(children) {
        assert_eq!(ours_child.parent().map(Node::name), Some(ours.name()));
        assert_same(ours_child, child);
    }
}

#[test]
fn it_reads_what_roxmltree_reads() {
    for text in [
        "<a/>",
        "<?xml version=\"1.0\"?>\n<!-- a < b -->\n<a  b = 'c' d=\"it's\" ><b/>\n<c>x &lt;&#65;&#x42;</c ></a>\n",
        "<a xmlns:q='urn:q' q:b='1'><q:b c='&quot;'/><c><![CDATA[<d>&]]></c></a>",
        "<a><b><c/><c/></b><b/></a>",
    ] {
        assert_reads_as_roxmltree(text);
    }
}

#[test]
fn the_place_of_an_element_is_that_of_its_tags() {
    let text = "<?xml version='1.0'?><a><!-- <b><c/></b> --><x><b><c/></b></x><b>t<c n='>'><d/></c ></b></a>";
    let place = |path: &[&str]| Outline::place(text, path).map(|place| &text[place]);
    assert_eq!(place(&["b", "c"]), Some("<c n='>'><d/></c >"));
    assert_eq!(place(&["x", "b"]), Some("<b><c/></b>"));
    assert_eq!(place(&["b"]), Some("<b>t<c n='>'><d/></c ></b>"));
    assert_eq!(place(&["b", "d"]), None);
    assert_eq!(Outline::place("<a><b>", &["b"]), None);
    assert_eq!(Outline::place("<a><b></c></a>", &["b"]), None);
}

#[test]
fn an_element_below_the_root_is_passed_over_whatever_is_in_it() {
    let inside = "t<m n='>' o=\"/>'\"/><m><m/></m ><!-- </m> --><![CDATA[</m>]]><?p </m>?>";
    for inside in ["", "<b/>", inside] {
        let text = format!("<a><m q='1'>{inside}</m ><b><m><c/></m></b><m/><d>x</d></a>");
        let outline = Outline::read_without("m", &text).unwrap();
        let names: Vec<&str> = outline.root().children().map(Node::name).collect();
        assert_eq!(names, ["m", "b", "m", "d"], "{text}");
        let first = outline.root().at("m").unwrap();
        assert_eq!((first.attribute("q"), first.text(), first.children().count()), (Some("1"), None, 0));
        assert!(outline.root().at("b/m/c").is_some());
        assert_eq!(outline.root().text_at("d"), Some("x"));
    }
    for wrong in ["<a><m>", "<a><m></b></a>", "<a><m><b></m></a>", "<a><m x='></m></a>"] {
        assert!(Outline::read_without("m", wrong).is_none(), "{wrong}");
    }
}

#[test]
fn what_is_no_xml_is_refused() {
    for text in [
        "",
        " ",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a b/>",
        "<a b=c/>",
        "<a b='c/>",
        "<a>&x;</a>",
        "<a",
        "<a/>text",
        "text<a/>",
        "<!-- a",
        "<>",
        "<!DOCTYPE a><a/>",
        "<a>&amp</a>",
        "<a/",
        "<a b='&#0x;'/>",
    ] {
        assert!(Outline::read(text).is_none(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[<>/a-b='\"&;#!\\[\\]? \\-]{0,40}") {
        let accepted = Outline::read(&text).is_some();
        // The outline is the more lenient of the two; it is stricter only for syntax that it does not
        // support.
        if Document::parse(&text).is_ok() && !text.contains("<!") {
            assert!(accepted, "{text}");
        }
    }
}
