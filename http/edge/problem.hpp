#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/edge/message.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

class json_writer;

/// The HTTP status of an error: the one mapping of both gateways.
unsigned status_of(errc code);
/// The sentence for the client. For errors of storage it names the kind only; the full sentence, with files and libraries, is in the log.
std::string public_sentence(const error& why);
/// "Not Found" for 404, per RFC 9110; "Error" for a status that we never send.
std::string_view reason_phrase(unsigned status);

/// The answer to a request that failed: application/problem+json (RFC 9457)
///   {"type","title","status","detail","error"[,"field"][,"errors":[{"index","field","reason"}]]
///   [,"request_id"]}
/// `error` and `detail` are the error's public_sentence(); `type` is a stable URN of the cause. 503 carries Retry-After.
/// Bytes that are no UTF-8 (echoed from a request) come out as U+FFFD.
http_response problem(const error& why);
/// For statuses without an `errc`: 405, 408, 413, 415, 431, 500, ...
http_response problem(unsigned status, std::string_view detail);

/// The member "errors" of an answer: [{"index","field","reason"}].
void write_errors(json_writer& out, const std::vector<row_error>& rows);

/// Any bytes as valid UTF-8: each byte that belongs to no character becomes U+FFFD.
std::string to_utf8(std::string_view bytes);

}  // namespace factory
