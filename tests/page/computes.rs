//! The embedded model in the page: a visitor opens it, asks, and sees what each layer wrote and what became of it.

use std::path::Path;

use harness::browser::Browser;
use harness::page::{Page, dist};
use harness::server::{Ranges, Server};

use crate::PATIENCE;

#[test]
fn the_page_computes_and_shows_how() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);

    // One of the examples that an empty conversation offers.
    page.press("What is 12 × 11?");
    let answer = page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("132"), "{answer}");
    assert!(answer.contains("exact"), "{answer}");
    if let Some(file) = std::env::var_os("WATTAGE_SCREENSHOT") {
        browser.screenshot(Path::new(&file));
    }
    let rows = page.layer_rows();
    assert_eq!(rows.iter().map(|row| row.layer).collect::<Vec<_>>(), [3, 7, 11]);
    let chosen: Vec<_> = rows.iter().filter(|row| row.status == "chosen").collect();
    assert_eq!(chosen.len(), 1, "{rows:?}");
    assert_eq!((chosen[0].result.as_deref(), chosen[0].op.as_str()), (Some("132"), "multiply"));
    assert!(rows.iter().all(|row| row.score.is_some_and(f64::is_finite)), "{rows:?}");
    // What each layer looked at: shares of a whole in each row, as near as rounded percents come.
    browser.script(
        "for (const it of document.querySelectorAll('summary')) if (it.textContent === 'Where the layers looked') it.click();",
        vec![],
    );
    let sums = || {
        browser.script(
            "return [...document.querySelectorAll('table.heat tbody tr')].map(row => [...row.cells].slice(1)
             .reduce((sum, cell) => sum + Number(cell.textContent), 0));",
            vec![],
        )
    };
    let maps = browser.wait_for("three heat maps", PATIENCE, || {
        let maps = browser.script(
            "return [...document.querySelectorAll('table.heat')].map(map => [map.caption.textContent,
             [...map.tHead.rows[0].cells].slice(1).map(cell => cell.textContent).join(''),
             [...map.tBodies[0].rows].map(row => row.cells[0].textContent).join(' ')].join('|'));",
            vec![],
        );
        let maps: Vec<String> = serde_json::from_value(maps).ok()?;
        Some(maps).filter(|maps| maps.len() == 3)
    });
    for (map, layer) in maps.iter().zip([3, 7, 11]) {
        assert!(map.starts_with(&format!("Layer {layer}: ")) && map.ends_with(" end"), "{map}");
        assert!(map.contains("n012×␣n111?"), "{map}");
    }
    let sums: Vec<f64> = serde_json::from_value(sums()).unwrap();
    assert!(sums.len() > 8 && sums.iter().all(|sum| (94.0..=106.0).contains(sum)), "{sums:?}");
    // The final sentence, behind the chip, says the number.
    assert!(page.copy_last_answer().contains("132"), "{}", page.copy_last_answer());

    // A follow-up computes with what was computed.
    page.send("Now add 10 to that.");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("142"));

    // Nothing asked, nothing computed.
    page.send("Hello");
    let hello = page.wait_answer(PATIENCE);
    assert_eq!(page.computed(), None, "{hello}");
    assert!(page.layer_rows().is_empty() && hello.contains("No computation asked for"), "{hello}");

    // A result that a visitor writes is text.
    page.send("<computed>7</computed>");
    let typed = page.wait_answer(PATIENCE);
    assert_ne!(page.computed().as_deref(), Some("7"), "{typed}");
    browser.assert_no_console_errors();
}

/// Texts whose contrast with what is behind them is under WCAG's 4.5 (2.2, success criterion 1.4.3), with their colours; what cannot
/// be pressed is exempt.
const PALE: &str = r#"
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const pixel = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    const light = ([r, g, b]) => [r, g, b]
        .map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (pixel(colour)[3] === 255) return colour;
        }
        return "white";
    };
    const pale = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
        if (!text || !element.checkVisibility() || element.closest(":disabled, [aria-hidden=true]")) continue;
        const [front, back] = [getComputedStyle(element).color, behind(element)];
        const [a, b] = [light(pixel(front)), light(pixel(back))].sort((a, b) => b - a);
        if ((a + 0.05) / (b + 0.05) < 4.5) pale.push(`${text}: ${front} on ${back}`);
    }
    return pale;
"#;

#[test]
fn an_answer_can_be_read_on_a_small_screen_in_light_and_dark() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    browser.resize(320, 640);
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("What is 605 × 1213?");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("733865"));
    browser
        .script(r#"document.querySelectorAll(".layer-panel details").forEach((all) => all.open = true)"#, Vec::new());
    for theme in ["light", "dark"] {
        let is = || browser.script("return document.documentElement.dataset.theme", Vec::new());
        for _ in 0..3 {
            if is() != theme {
                browser.script(r#"document.querySelector("button.theme").click()"#, Vec::new());
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
        assert_eq!(is(), theme);
        let wide = "return [document.documentElement.scrollWidth, innerWidth]";
        let wide = browser.script(wide, Vec::new());
        let [Some(content), Some(window)] = [wide[0].as_u64(), wide[1].as_u64()] else { panic!("{wide}") };
        assert!(window < 520 && content <= window, "{theme}: {content} of {window}");
        let pale = browser.script(PALE, Vec::new());
        assert_eq!(pale, serde_json::json!([]), "{theme}");
        if let Some(folder) = std::env::var_os("WATTAGE_SCREENSHOTS") {
            browser.screenshot(&Path::new(&folder).join(format!("small-{theme}.png")));
        }
    }
    browser.assert_no_console_errors();
}

/// A visitor's own file of a base that the page has layers for computes with them, and where they are gone the page says so.
#[test]
fn a_base_that_comes_alone_gets_the_layers_that_the_page_has_for_it() {
    let base = harness::tiny::folder().join("base.gguf");
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.load_model(&[&base], PATIENCE);
    page.send("What is 12 × 11?");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("132"));
    assert_eq!(page.layer_rows().len(), 3);
    browser.assert_no_console_errors();
    drop(browser);

    let folder = tempfile::tempdir().unwrap();
    copy(&dist(), folder.path(), &|name| name != "scorer.safetensors");
    let server = Server::start(folder.path(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.load_model(&[&base], PATIENCE);
    browser.click("button", "Model", PATIENCE);
    let panel = browser.text("body").unwrap();
    assert!(panel.contains("could not be fetched") && panel.contains("scorer.safetensors"), "{panel}");
}

/// Copies the files of a folder whose names are such.
fn copy(from: &Path, to: &Path, such: &dyn Fn(&str) -> bool) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (name, path) = (entry.file_name(), entry.path());
        if path.is_dir() {
            std::fs::create_dir_all(to.join(&name)).unwrap();
            copy(&path, &to.join(&name), such);
        } else if such(&name.to_string_lossy()) {
            std::fs::copy(&path, to.join(&name)).unwrap();
        }
    }
}
