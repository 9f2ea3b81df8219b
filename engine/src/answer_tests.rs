//! What ends an answer, and what interrupts it, with the vocabulary of the embedded model.

use super::*;
use crate::Source;

fn file() -> ModelFile {
    let bytes = include_bytes!("../../public/models/wattage-tiny/base.gguf").to_vec();
    pollster::block_on(ModelFile::open(vec![Source::bytes("base.gguf", bytes)])).unwrap()
}

/// Takes the tokens of a text one by one, and gives what followed the last that was taken, and the answer's text.
fn takes(file: &ModelFile, text: &str, (computes, due): (bool, bool)) -> (Next, String) {
    let mut answer = Answer::new(file, &ChatOptions::default(), (10, 1000), computes);
    if due {
        answer.expect();
    }
    let mut next = Next::Token;
    for token in file.tokenizer.encode(text, true).unwrap() {
        next = answer.take(token, &mut |_| {});
        if next != Next::Token {
            break;
        }
    }
    answer.end(&Cancel::new(), &mut |_| {});
    (next, answer.text)
}

#[test]
fn a_model_that_writes_a_result_itself_has_ended() {
    let file = file();
    for tag in ["<computed>7</computed>", "<error>no</error>"] {
        let text = format!("It is {tag} and more");
        assert_eq!(takes(&file, &text, (true, false)), (Next::End, "It is ".to_owned()), "{tag}");
        // Where nothing is computed the tags are text.
        assert_eq!(takes(&file, &text, (false, false)), (Next::Token, text));
    }
}

#[test]
fn a_computation_is_done_once_where_the_model_opens_it_or_behind_its_thoughts() {
    let file = file();
    assert_eq!(takes(&file, "So <wat_model> x", (true, false)), (Next::Splice, "So ".to_owned()));
    // One that is due comes before anything but thoughts and what is blank.
    let thought = "<think>\nAdd 1.\n</think>\n";
    assert_eq!(takes(&file, &format!("{thought}It is"), (true, true)), (Next::Splice, thought.to_owned()));
    assert_eq!(takes(&file, &format!("{thought}It is"), (true, false)).0, Next::Token);
    // The end of the turn is too late for it.
    assert_eq!(takes(&file, "<|im_end|>", (true, true)).0, Next::Splice);
    assert_eq!(takes(&file, "<|im_end|>", (true, false)).0, Next::End);

    let mut answer = Answer::new(&file, &ChatOptions::default(), (10, 1000), true);
    let open = file.tokenizer.id_of(splice::OPEN).unwrap();
    assert_eq!(answer.take(open, &mut |_| {}), Next::Splice);
    let tokens = answer.splice("<wat_model>\n</wat_model>\n<computed>7</computed>\n", &mut |_| {}).unwrap();
    assert!(tokens.len() > 4, "{tokens:?}");
    // A second one has no place.
    assert_eq!(answer.take(open, &mut |_| {}), Next::End);
    assert_eq!(answer.end(&Cancel::new(), &mut |_| {}), StopReason::EndOfTurn);
}

#[test]
fn the_longest_answer_is_one_of_so_many_tokens_of_the_models_own() {
    let file = file();
    let options = ChatOptions { max_tokens: 2, ..ChatOptions::default() };
    let mut answer = Answer::new(&file, &options, (10, 1000), true);
    let open = file.tokenizer.id_of(splice::OPEN).unwrap();
    assert_eq!(answer.take(open, &mut |_| {}), Next::Splice);
    assert!(answer.splice("<wat_model>\n</wat_model>\n<computed>7</computed>\n", &mut |_| {}).unwrap().len() > 4);
    let own = file.tokenizer.encode("It is seven.", false).unwrap();
    assert_eq!(answer.take(own[0], &mut |_| {}), Next::Token);
    assert_eq!(answer.take(own[1], &mut |_| {}), Next::End);
    assert_eq!(answer.end(&Cancel::new(), &mut |_| {}), StopReason::MaxTokens);
}
