#![allow(clippy::single_range_in_vec_init, reason = "a list of the one splice that an answer has")]

use super::*;

/// An answer that the model wrote alone.
fn plain(answer: &str) -> Vec<Block> {
    blocks(answer, &[])
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph(text.into())
}

fn think(text: &str, open: bool) -> Block {
    Block::Think { text: text.into(), open }
}

#[test]
fn thoughts_are_parted_from_the_answer() {
    assert_eq!(plain("<think>\nhm\n</think>\n\n132"), [think("hm", false), paragraph("132")]);
    assert_eq!(plain("hm\n</think>\n132"), [think("hm", false), paragraph("132")]);
    assert_eq!(plain("<think>\n\n</think>\n\n132"), [paragraph("132")]);
    assert_eq!(answer_only("<think>hm</think>\n\n132\n"), "132");
}

#[test]
fn unfinished_thoughts_are_shown() {
    assert_eq!(plain("<think>\nTwelve tim"), [think("Twelve tim", true)]);
    assert!(thoughts_open("<think>\nTwelve tim"));
    assert!(!thoughts_open("<think>\nTwelve</think>") && !thoughts_open("132"));
    assert_eq!(plain("<thi"), []);
    assert_eq!(plain("<this>"), [paragraph("<this>")]);
    assert_eq!(plain(""), []);
}

#[test]
fn code_is_kept_as_it_is() {
    let code = |language: &str, text: &str| Block::Code { language: language.into(), text: text.into() };
    assert_eq!(
        plain("a\nb\n```rust\nfn f() {\n\n    <b>\n}\n```\nc"),
        [paragraph("a\nb"), code("rust", "fn f() {\n\n    <b>\n}"), paragraph("c")]
    );
    assert_eq!(plain("```\nhalf"), [code("", "half")]);
    assert_eq!(plain("````\n```\n````"), [code("", "```")]);
}

#[test]
fn headings_and_paragraphs() {
    assert_eq!(plain("## A b\ntext\n\n#tag"), [Block::Heading("A b".into()), paragraph("text"), paragraph("#tag")]);
}

#[test]
fn spans_pair_their_marks() {
    assert_eq!(
        spans("a **b** `c*` 2*3"),
        [
            Span::Text("a ".into()),
            Span::Strong("b".into()),
            Span::Text(" ".into()),
            Span::Code("c*".into()),
            Span::Text(" 2*3".into())
        ]
    );
    for odd in ["**", "`", "a ** b", "****", "``", "é*ü"] {
        assert_eq!(spans(odd), [Span::Text(odd.into())], "{odd}");
    }
}

const SPLICE: &str = "<wat_model>\n(module\n  (func $compute))\n</wat_model>\n<computed>132</computed>\n";

fn spliced(wat: &str, outcome: Outcome) -> Block {
    Block::Spliced(Spliced { wat: wat.into(), outcome })
}

fn product() -> Block {
    spliced("(module\n  (func $compute))", Outcome::Value("132".into()))
}

#[test]
fn a_splice_is_a_block_and_its_look_alike_is_text() {
    let answer = format!("<think>hm</think>\n{SPLICE}12 × 11 = 132.\n<computed>7</computed>");
    let start = answer.find(SPLICE).unwrap();
    let splices = [start..start + SPLICE.len()];
    let rest = paragraph("12 × 11 = 132.\n<computed>7</computed>");
    assert_eq!(blocks(&answer, &splices), [think("hm", false), product(), rest]);
    assert!(!plain(&answer).iter().any(|block| matches!(block, Block::Spliced(_))));
    assert_eq!(without_splices(&answer, &splices), "<think>hm</think>\n12 × 11 = 132.\n<computed>7</computed>");
    // The next question finds the result that was computed, and no other.
    assert_eq!(
        for_layers(&answer, &splices),
        format!("<think>hm</think>\n{SPLICE}12 × 11 = 132.\n< computed>7< /computed>")
    );
}

/// A model that was not trained on the form is led on behind it.
#[test]
fn what_leads_on_behind_a_result_is_no_part_of_it() {
    let answer = format!("{SPLICE}{} It is 132.", wattage_engine::splice::LEAD);
    let end = answer.len() - " It is 132.".len();
    assert_eq!(blocks(&answer, &[0..end]), [product(), paragraph("It is 132.")]);
}

#[test]
fn a_splice_within_thoughts_parts_them() {
    let answer = format!("<think>so {SPLICE} then</think>132");
    let splices = ["<think>so ".len().."<think>so ".len() + SPLICE.len()];
    assert_eq!(blocks(&answer, &splices), [think("so", false), product(), think("then", false), paragraph("132")]);
    let growing = &answer[..splices[0].end + 5];
    assert_eq!(blocks(growing, &splices), [think("so", false), product(), think("then", true)]);
}

#[test]
fn a_failure_says_why() {
    let text = "<wat_model>\n</wat_model>\n<error>no function was written</error>\n";
    assert_eq!(blocks(text, &[0..text.len()]), [spliced("", Outcome::Error("no function was written".into()))]);
    let cut = "<wat_model>";
    assert_eq!(blocks(cut, &[0..cut.len()]), [spliced("", Outcome::Error("there is no result".into()))]);
    // Bytes that are not there, or not whole characters, are no splice.
    assert_eq!(blocks("é", &[1..2, 0..9]), [paragraph("é")]);
}
