#include <chrono>

#include "http/api/api_call.hpp"
#include "http/edge/query.hpp"
#include "http/text/cursor.hpp"
#include "http/text/json_body.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

void write_token(json_writer& out, const access_token& token) {
  out.member("id", token.id).member("name", token.name).key("scopes").begin_array();
  for (const auto& [name, scope] : scope_names) {
    if (has(token.scopes, scope)) out.value(name);
  }
  out.end_array().member("factory_id", token.factory != 0 ? std::optional(token.factory) : std::nullopt);
  out.time_member("created_at", token.created_at_us);
}

expected<access_scopes> read_scopes(element value) {
  const auto wrong = [] { return fail(errc::invalid, "scopes must be an array of ingest, read, operate, admin", "scopes"); };
  simdjson::dom::array names;
  if (value.get(names)) return wrong();
  access_scopes all = 0;
  for (const element each : names) {
    std::string_view name;
    if (each.get(name)) return wrong();
    const auto scope = parse_scope(name);
    if (!scope) return wrong();
    all = all | *scope;
  }
  return all;
}

expected<access_token> read_token(std::string_view text) {
  json_body body;
  const auto root = body.parse(text);
  if (!root) return tl::unexpected(root.error());
  access_token wanted;
  const auto keep = [](auto read, auto& into) -> expected<bool> {
    if (!read) return tl::unexpected(read.error());
    into = std::move(*read);
    return true;
  };
  const auto taken = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "name") return keep(read_text(name, value), wanted.name);
    if (name == "scopes") return keep(read_scopes(value), wanted.scopes);
    if (name == "factory_id") return value.is_null() ? expected<bool>(true) : keep(read_id(name, value), wanted.factory);
    return false;
  });
  if (!taken) return tl::unexpected(taken.error());
  return wanted;
}

expected<http_response> create_token(ports& behind, const http_request& request, const path_argument&) {
  auto wanted = read_token(request.body);
  if (!wanted) return fail_with(wanted.error());
  if (wanted->factory != 0 && !behind.entities().find_factory(wanted->factory))
    return fail(errc::invalid, "factory_id: there is no such factory", "factory_id");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto made = behind.tokens().create(std::move(*wanted), std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  if (!made) return fail_with(made.error());
  json_writer out;
  out.begin_object();
  write_token(out, made->token);
  out.member("token", made->secret).end_object();
  http_response answer = json_response(out, 201);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

expected<http_response> list_tokens(admin_port& behind, const http_request&, const path_argument&) {
  json_writer out;
  out.begin_array();
  for (const access_token& token : behind.tokens().tokens()) {
    out.begin_object();
    write_token(out, token);
    out.end_object();
  }
  out.end_array();
  return json_response(out);
}

expected<http_response> revoke(admin_port& behind, const http_request&, const path_argument& path) {
  if (auto done = behind.tokens().revoke(path.id); !done) return fail_with(done.error());
  return http_response{204, "", ""};
}

expected<http_response> get_audit(admin_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  const std::size_t limit = query.integer("limit", 1, limits::page_readings).value_or(100);
  std::uint64_t before = 0;
  if (const auto text = query.text("cursor")) {
    const auto cursor = parse_cursor<std::uint64_t>(*text, true);
    if (!cursor) query.fail_at("cursor", "a next_cursor of this call");
    before = cursor.value_or(0);
  }
  if (query.fault()) return fail_with(*query.fault());
  auto found = behind.audit().newest(before, limit + 1);
  if (!found) return fail_with(found.error());
  const bool more = found->size() > limit;
  if (more) found->pop_back();
  json_writer out(200 * (found->size() + 1));
  out.begin_object().key("records").begin_array();
  for (const audit_record& each : *found) {
    out.begin_object().member("sequence", each.sequence).time_member("at", each.at_us).member("who", each.who);
    out.member("method", each.method).member("path", each.path);
    out.member("client", !each.client.empty() ? std::optional(std::string_view(each.client)) : std::nullopt);
    out.member("id", each.thing != 0 ? std::optional(each.thing) : std::nullopt).member("status", each.status).end_object();
  }
  out.end_array().key("next_cursor");
  more ? out.value(format_cursor(found->back().sequence, true)) : out.value(nullptr);
  out.end_object();
  return json_response(out);
}

}  // namespace

void add_token_calls(api_table& table) {
  const std::size_t first = table.size();
  table.push_back({http_method::get, "/api/tokens", "The tokens, without their secrets", list_tokens, {}, {}, "tokens"});
  table.push_back({http_method::post,
                   "/api/tokens",
                   "Make a token; its secret is shown this once",
                   create_token,
                   {},
                   "new_token",
                   "made_token",
                   201,
                   limits::small_body_bytes,
                   json_only});
  table.push_back({http_method::delete_, "/api/tokens/{id}", "Revoke a token", revoke, {}, {}, {}, 204});
  table.push_back({http_method::get,
                   "/api/audit",
                   "Who changed or acknowledged what, and when; newest first",
                   get_audit,
                   {"limit", "cursor"},
                   {},
                   "audit_page"});
  for (std::size_t i = first; i < table.size(); ++i) table[i].scope = access_scope::admin;
}

}  // namespace factory
