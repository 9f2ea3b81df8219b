//! The page.

fn main() {
    wattage_app::mount();
}
