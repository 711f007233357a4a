#include "http/edge/problem.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <ctime>

#include "http/edge/request_id.hpp"
#include "http/text/json_writer.hpp"

namespace factory {

namespace {

constexpr std::string_view retry_after_seconds = "1";

/// The last part of `type`. It distinguishes causes that share a status.
std::string_view name_of(errc code) {
  switch (code) {
    case errc::invalid: return "invalid";
    case errc::malformed: return "malformed";
    case errc::not_found: return "not-found";
    case errc::conflict: return "conflict";
    case errc::too_large: return "too-large";
    case errc::overloaded: return "overloaded";
    case errc::timed_out: return "timed-out";
    case errc::storage_full: return "storage-full";
    case errc::storage_failed: return "storage-failed";
    case errc::corrupt: return "corrupt";
    case errc::unavailable: return "unavailable";
    case errc::stopping: return "stopping";
  }
  return "internal";
}

std::string_view name_of(unsigned status) {
  switch (status) {
    case 400: return "malformed";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "not-found";
    case 405: return "method-not-allowed";
    case 408: return "request-timeout";
    case 411: return "length-required";
    case 413: return "too-large";
    case 414: return "uri-too-long";
    case 415: return "unsupported-media-type";
    case 417: return "expectation-failed";
    case 422: return "unprocessable";
    case 429: return "rate-limited";
    case 431: return "header-too-large";
    case 501: return "not-implemented";
    case 503: return "unavailable";
    case 505: return "version-not-supported";
    default: return "internal";
  }
}

http_response write(unsigned status, std::string_view name, std::string_view detail, std::string_view field,
                    const std::vector<row_error>& rows) {
  const std::string sentence = to_utf8(detail);
  json_writer out;
  out.begin_object()
      .member("type", "urn:factory-monitor:problem:" + std::string(name))
      .member("title", reason_phrase(status))
      .member("status", status)
      .member("detail", sentence)
      .member("error", sentence);
  if (!field.empty()) out.member("field", to_utf8(field));
  if (!rows.empty()) write_errors(out, rows);
  if (const auto id = current_request_id(); !id.empty()) out.member("request_id", id);
  out.end_object();

  http_response answer{status, "application/problem+json", out.text()};
  if (status == 503) answer.headers.emplace_back("Retry-After", retry_after_seconds);
  return answer;
}

/// Logs at most once a second, because every request meets the same fault.
void tell_log(const error& why) {
  static std::atomic<std::time_t> told{0};
  const std::time_t now = std::time(nullptr);
  if (told.exchange(now) != now) spdlog::error("http: {}", why.message);
}

/// Length of the well-formed character that `text` starts with (Unicode 15, table 3-7), or 0.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0, surrogate = lead == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90, beyond = lead == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

unsigned status_of(errc code) {
  switch (code) {
    case errc::invalid:
    case errc::malformed: return 400;
    case errc::not_found: return 404;
    case errc::conflict: return 409;
    case errc::too_large: return 413;
    case errc::storage_full: return 507;
    case errc::corrupt: return 500;
    case errc::overloaded:
    case errc::timed_out:
    case errc::storage_failed:
    case errc::unavailable:
    case errc::stopping: return 503;
  }
  return 500;
}

std::string public_sentence(const error& why) {
  std::string_view told;
  if (why.code == errc::storage_full)
    told = "The disk of the server is full: make room on it, and readings are taken again; its log says more";
  if (why.code == errc::storage_failed)
    told = "The disk of the server refused: check it and its quota, then start factoryd again; its log says more";
  if (why.code == errc::corrupt) told = "Stored bytes are damaged; the log of the server says more";
  if (told.empty()) return why.message;
  tell_log(why);
  return std::string(told);
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Error";
  }
}

http_response problem(const error& why) {
  return write(status_of(why.code), name_of(why.code), public_sentence(why), why.field, why.rows);
}

http_response problem(unsigned status, std::string_view detail) { return write(status, name_of(status), detail, {}, {}); }

void write_errors(json_writer& out, const std::vector<row_error>& rows) {
  out.key("errors").begin_array();
  for (const row_error& row : rows) {
    out.begin_object().member("index", row.index).member("field", to_utf8(row.field));
    out.member("reason", to_utf8(row.reason)).end_object();
  }
  out.end_array();
}

std::string to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    length > 0 ? text.append(bytes.substr(0, length)) : text.append("\xEF\xBF\xBD");
    bytes.remove_prefix(length > 0 ? length : 1);
  }
  return text;
}

}  // namespace factory
