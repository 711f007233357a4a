#include "http/support/gate_cases.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

#include "http/edge/problem.hpp"
#include "http/edge/router.hpp"

namespace factory::test {

namespace {

http_response echo(const http_request& request) {
  if (request.path == "/throw") throw std::runtime_error("a secret of the inside");
  if (request.path == "/throw-int") throw 42;
  if (request.path == "/pieces") return in_pieces({"one", "", "two two"});
  if (request.path == "/204") return {204, "", ""};
  if (request.path == "/bad-field") return {200, "text/plain", "x", {{"X-Bad", "a\r\nInjected: 1"}}};
  if (request.path == "/header")
    return {200, "text/plain", std::string(request.header("x-asked")) + "|" + std::string(request.accept)};
  std::string said(to_text(request.method));
  said.append(" ").append(request.path);
  for (const auto& [name, value] : request.query) said.append(" ").append(name).append("=").append(value);
  said.append(" |").append(request.body);
  return {200, "text/plain", said};
}

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view target, std::string_view fields, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string chunked(std::string_view body) { return post("/p", "Transfer-Encoding: chunked\r\n", body); }

constexpr std::string_view bad_head = "The request head holds a control, a bare CR or LF, or a folded line";
constexpr std::string_view bad_length = "Content-Length must be one unsigned integer";
constexpr std::string_view too_large = "The body is larger than this route takes";
constexpr std::string_view bad_target = "The request target is not a path, or a percent escape in it is bad";
constexpr std::string_view internal = "Internal error; the log of the server says more";
constexpr std::string_view no_http = "The request head is not HTTP";

}  // namespace

std::atomic<int> scripted_source::alive{0};

scripted_source::scripted_source(std::vector<std::string> pieces, bool broken) : pieces_(std::move(pieces)), broken_(broken) {
  ++alive;
}
scripted_source::~scripted_source() { --alive; }

expected<bool> scripted_source::next(std::string& out) {
  if (given_ == pieces_.size() && broken_) return fail(errc::corrupt, "a secret of the inside");
  if (given_ < pieces_.size()) out += pieces_[given_++];
  return given_ < pieces_.size() || broken_;
}

http_response in_pieces(std::vector<std::string> pieces, bool broken) {
  http_response answer{200, "text/plain"};
  answer.source = std::make_shared<scripted_source>(std::move(pieces), broken);
  return answer;
}

void set_echo(gate_rules& rules) {
  rules.handler = echo;
  rules.body_bytes = [](http_method, std::string_view path) -> std::size_t {
    return path == "/none" ? 0 : path == "/big" ? 1UL << 20 : 1024;
  };
}

std::string without_dates(std::string_view answers) {
  std::string kept;
  for (;;) {
    const std::size_t at = answers.find("\r\nDate: ");
    kept.append(answers.substr(0, at));
    if (at == std::string_view::npos) return kept;
    answers.remove_prefix(answers.find("\r\n", at + 2));
  }
}

std::string ok(std::string_view body, std::string_view more_fields) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_fields) + "\r\n" + std::string(body);
}

std::string refused(unsigned status, std::string_view name, std::string_view detail) {
  const std::string title(reason_phrase(status)), said(detail);
  const std::string body = R"({"type":"urn:factory-monitor:problem:)" + std::string(name) + R"(","title":")" + title +
                           R"(","status":)" + std::to_string(status) + R"(,"detail":")" + said + R"(","error":")" + said + "\"}";
  return "HTTP/1.1 " + std::to_string(status) + " " + title +
         "\r\nContent-Type: application/problem+json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

std::vector<gate_case> gate_cases() {
  const std::string next = get("/next"), next_ok = ok("GET /next |");
  const auto bad = [](std::string_view detail) { return refused(400, "malformed", detail); };
  std::string many_fields;
  for (int i = 0; i < 101; ++i) many_fields += "X-" + std::to_string(i) + ": 1\r\n";
  const std::string internal_kept = [] {
    std::string text = refused(500, "internal", internal);
    return text.erase(text.find("Connection: close\r\n"), 19);
  }();

  return {
      // connections
      {"keep-alive is the default", get("/a") + next, ok("GET /a |") + next_ok},
      {"Connection: close is honoured", get("/a", "Connection: close\r\n") + next, ok("GET /a |", "Connection: close\r\n"), true},
      {"Connection takes a list in any case", get("/a", "connection: foo, CLOSE\r\n"), ok("GET /a |", "Connection: close\r\n"),
       true},
      {"HTTP/1.0 closes", "GET /a HTTP/1.0\r\n\r\n", ok("GET /a |", "Connection: close\r\n"), true},
      {"HTTP/1.0 may keep alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
       ok("GET /a |", "Connection: keep-alive\r\n") + ok("GET /b |", "Connection: close\r\n"), true},
      {"pipelined requests are answered in order", get("/1") + post("/2", "Content-Length: 3\r\n", "abc") + get("/3") + next,
       ok("GET /1 |") + ok("POST /2 |abc") + ok("GET /3 |") + next_ok},
      {"an empty line before a request is passed over", "\r\n" + get("/a") + next, ok("GET /a |") + next_ok},
      // answers
      {"HEAD has the length and no body", "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + next,
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n" + next_ok},
      {"204 has neither length nor body", get("/204") + next, "HTTP/1.1 204 No Content\r\n\r\n" + next_ok},
      {"an exception is a 500 without its text", get("/throw") + next, internal_kept + next_ok},
      {"so is one of no class", get("/throw-int") + next, internal_kept + next_ok},
      {"a field that would split the answer is a 500", get("/bad-field") + next, internal_kept + next_ok},
      {"an answer in pieces is chunked, without an empty chunk before its end, and requests behind it are answered",
       get("/pieces") + next,
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n00000003\r\none\r\n00000007\r\ntwo "
       "two\r\n0\r\n\r\n" +
           next_ok},
      {"HEAD of an answer in pieces", "HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n" + next,
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + next_ok},
      {"Connection: close behind an answer in pieces", get("/pieces", "Connection: close\r\n") + next,
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n00000003\r\none\r\n"
       "00000007\r\ntwo two\r\n0\r\n\r\n",
       true},
      {"in HTTP/1.0 an answer in pieces goes on until the connection ends",
       "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next,
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nonetwo two", true},
      {"fields reach the handler in any case", get("/header", "X-ASKED: one\r\nAccept: text/csv\r\nx-asked: two\r\n"),
       ok("one|text/csv")},
      // targets
      {"path and query are decoded once", get("/a%20b/%2525?x=1%2B1&y=a+b&z&&w=%3D"), ok("GET /a b/%25 x=1+1 y=a b z= w== |")},
      {"plus is itself in a path", get("/a+b"), ok("GET /a+b |")},
      {"absolute form", get("http://host:80/a?b=c") + get("http://host"), ok("GET /a b=c |") + ok("GET / |")},
      {"OPTIONS of the whole server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ok("OPTIONS * |")},
      {"bad escape", get("/%zz") + next, bad(bad_target), true},
      {"cut escape", get("/a%2"), bad(bad_target), true},
      {"bad escape in the query", get("/a?b=%"), bad(bad_target), true},
      {"escaped NUL", get("/a%00b"), bad(bad_target), true},
      {"fragment", get("/a#b"), bad(bad_target), true},
      {"no path", get("a"), bad(bad_target), true},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", bad(bad_target), true},
      // bodies
      {"a body of known length", post("/p", "Content-Length: 5\r\n", "hello") + next, ok("POST /p |hello") + next_ok},
      {"length 0", post("/p", "Content-Length: 0\r\n", "") + next, ok("POST /p |") + next_ok},
      {"no length means no body", post("/p", "", "") + next, ok("POST /p |") + next_ok},
      {"chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") + next, ok("POST /p |abcde") + next_ok},
      {"chunks with extensions and trailers",
       chunked("3;a=b;c=\"d e\"\r\nabc\r\n00000002;x\r\nde\r\n0;last\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n") + next,
       ok("POST /p |abcde") + next_ok},
      {"no chunk at all", chunked("0\r\n\r\n") + next, ok("POST /p |") + next_ok},
      {"a trailer does not become a field",
       "POST /header HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Asked: no\r\n\r\n", ok("|")},
      {"a body over the route's limit", post("/p", "Content-Length: 1025\r\n", "") + next, refused(413, "too-large", too_large),
       true},
      {"a route without body", post("/none", "Content-Length: 1\r\n", "x"), refused(413, "too-large", too_large), true},
      {"chunks over the limit", chunked("400\r\n" + std::string(1024, 'x') + "\r\n1\r\ny\r\n0\r\n\r\n"),
       refused(413, "too-large", too_large), true},
      {"one chunk over the limit", chunked("401\r\n"), refused(413, "too-large", too_large), true},
      {"a length beyond 64 bits", post("/p", "Content-Length: 99999999999999999999999\r\n", ""), bad(bad_length), true},
      {"Expect with the body at hand", post("/p", "Expect: 100-continue\r\nContent-Length: 1\r\n", ""),
       "HTTP/1.1 100 Continue\r\n\r\n"},
      {"Expect and too large: refused without asking for it", post("/p", "Expect: 100-continue\r\nContent-Length: 1025\r\n", ""),
       refused(413, "too-large", too_large), true},
      {"Expect with chunks", post("/p", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", ""),
       "HTTP/1.1 100 Continue\r\n\r\n"},
      {"another expectation", get("/a", "Expect: gold\r\n"),
       refused(417, "expectation-failed", "The only expectation met is 100-continue"), true},
      // framing that could smuggle
      {"length and coding together", post("/p", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + next,
       bad("Transfer-Encoding contradicts another field"), true},
      {"coding and length together", post("/p", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n") + next,
       bad(bad_length), true},
      {"unknown coding and length together", post("/p", "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", "abc") + next,
       bad("Content-Length and Transfer-Encoding must not come together"), true},
      {"two lengths", post("/p", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), bad(bad_length), true},
      {"the same length twice", post("/p", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), bad(bad_length), true},
      {"a list of lengths", post("/p", "Content-Length: 3, 3\r\n", "abc"), bad(bad_length), true},
      {"negative length", post("/p", "Content-Length: -5\r\n", ""), bad(bad_length), true},
      {"signed length", post("/p", "Content-Length: +3\r\n", "abc"), bad(bad_length), true},
      {"length with garbage behind", post("/p", "Content-Length: 3abc\r\n", "abc"), bad(bad_length), true},
      {"length that is text", post("/p", "Content-Length: abc\r\n", "abc"), bad(bad_length), true},
      {"empty length", post("/p", "Content-Length:\r\n", ""), bad(bad_length), true},
      {"hexadecimal length", post("/p", "Content-Length: 0x3\r\n", "abc"), bad(bad_length), true},
      {"gzip coding", post("/p", "Transfer-Encoding: gzip\r\n", ""),
       refused(501, "not-implemented", "The only transfer coding taken is chunked"), true},
      {"gzip before chunked", post("/p", "Transfer-Encoding: gzip, chunked\r\n", ""),
       refused(501, "not-implemented", "The only transfer coding taken is chunked"), true},
      {"chunked before gzip", post("/p", "Transfer-Encoding: chunked, gzip\r\n", ""),
       refused(501, "not-implemented", "The only transfer coding taken is chunked"), true},
      {"a coding that begins like chunked", post("/p", "Transfer-Encoding: chunkedx\r\n", ""),
       refused(501, "not-implemented", "The only transfer coding taken is chunked"), true},
      {"chunked twice", post("/p", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""),
       bad("Transfer-Encoding contradicts another field"), true},
      {"a coding in HTTP/1.0", "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       bad("HTTP/1.0 has no Transfer-Encoding"), true},
      {"chunk size that is no number", chunked("xyz\r\n"), bad("The chunked body is damaged"), true},
      {"negative chunk size", chunked("-1\r\nx"), bad("The chunked body is damaged"), true},
      {"chunk size beyond 64 bits", chunked("11111111111111111\r\n"), bad("The chunked body is damaged"), true},
      {"chunk data longer than its size", chunked("3\r\nabcd\r\n0\r\n\r\n"), bad("The chunked body is damaged"), true},
      {"chunk size with a blank", chunked("3 x\r\nabc\r\n"), bad("The chunked body is damaged"), true},
      {"folded line", get("/a", "X: a\r\n b\r\n") + next, bad(bad_head), true},
      {"first field folded", "GET /a HTTP/1.1\r\n Host: a\r\n\r\n", bad(bad_head), true},
      {"NUL in a field", get("/a", std::string("X: a\0b\r\n", 8)), bad(bad_head), true},
      {"bare CR", get("/a", "X: a\rb\r\n"), bad(bad_head), true},
      {"bare LF", "GET /a HTTP/1.1\nHost: a\n\n", bad(bad_head), true},
      {"DEL", get("/a\x7f"), bad(bad_head), true},
      {"blank before the colon", get("/a", "X : b\r\n"), bad(no_http), true},
      {"field without colon", get("/a", "X\r\n"), bad(no_http), true},
      {"field without name", get("/a", ": b\r\n"), bad(no_http), true},
      // request line
      {"garbage", "garbage\r\n\r\n", bad("The request line does not begin with a method"), true},
      {"TLS greeting on a plain port", std::string("\x16\x03\x01\x02\x00", 5), bad(bad_head), true},
      {"HTTP/2.0", "GET /a HTTP/2.0\r\nHost: a\r\n\r\n",
       refused(505, "version-not-supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here"), true},
      {"no version", "GET /a\r\n\r\n", bad("The request target holds a byte that it may not"), true},
      {"version in small letters", "GET /a http/1.1\r\nHost: a\r\n\r\n",
       refused(505, "version-not-supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here"), true},
      {"two blanks", "GET  /a HTTP/1.1\r\nHost: a\r\n\r\n", bad("The request target holds a byte that it may not"), true},
      {"no Host", "GET /a HTTP/1.1\r\n\r\n", bad("A request needs exactly one Host field"), true},
      {"two Hosts", get("/a", "Host: b\r\n"), bad("A request needs exactly one Host field"), true},
      {"Host with a path", "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", bad("Host is not a host name"), true},
      {"an unknown method is the handler's", "BREW /a HTTP/1.1\r\nHost: a\r\n\r\n", ok("OTHER /a |")},
      // limits of the head
      {"a head that is too large", get("/a", "X: " + std::string(17'000, 'x') + "\r\n"),
       refused(431, "header-too-large", "The request head is too large"), true},
      {"a line that never ends", "GET /" + std::string(17'000, 'x'),
       refused(431, "header-too-large", "The request head is too large"), true},
      {"too many fields", get("/a", many_fields), refused(431, "header-too-large", "The request head is too large"), true},
  };
}

}  // namespace factory::test
