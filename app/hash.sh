# SHA-256 of what is read, as browsers write it (Subresource Integrity, Content Security Policy): the digest's bytes in base64.
hash() {
    local digest
    digest=$(if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-64 | sed 's/../\\x&/g')
    printf 'sha256-%s' "$(printf '%b' "$digest" | base64)"
}
