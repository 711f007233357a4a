#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/edge/message.hpp"
#include "http/gate/gate_buffer.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

enum class coding : std::uint8_t { identity, gzip, zstd };

/// Parses a Content-Encoding: one coding in any case; "" is identity. Nullopt for other codings and for several at once.
std::optional<coding> parse_coding(std::string_view content_encoding);
/// True when an Accept-Encoding takes gzip: named or "*", not with q=0 (RFC 9110, 12.5.3), and no less than identity.
bool accepts_gzip(std::string_view accept_encoding);

/// Unpacks a whole body: every member of a gzip file, every frame of a zstd file. Memory grows with what comes out, up to `most_bytes`:
/// too_large above; malformed when it is damaged, cut, or followed by something else.
expected<body_buffer> unpack(coding how, std::string_view packed, std::size_t most_bytes);
std::string gzip(std::string_view plain);

/// Wraps a handler. Bodies packed as gzip or zstd reach it unpacked, up to the limit of their route (else 413; 415 for another coding, 400
/// for damage). Answers of at least limits::worth_packing_bytes carry a weak ETag (304 when the client has that one) and are packed when the
/// client takes gzip. An answer in pieces is packed piece by piece, without an ETag.
http_handler with_content_coding(http_handler inner, body_limit most_bytes);

}  // namespace factory
