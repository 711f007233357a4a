#include <rapidjson/document.h>

#include "client/api_client.hpp"

namespace factory {

namespace {

errc code_of(unsigned status) {
  switch (status) {
    case 404: return errc::not_found;
    case 409: return errc::conflict;
    case 413: return errc::too_large;
    case 503: return errc::overloaded;
    case 507: return errc::storage_full;
    default: return status >= 500 ? errc::storage_failed : errc::invalid;
  }
}

std::string text_member(const rapidjson::Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsString() ? found->value.GetString() : std::string();
}

}  // namespace

error refusal(const http_answer& answer) {
  error out{code_of(answer.status), "the server answered " + std::to_string(answer.status)};
  rapidjson::Document body;
  body.Parse(answer.body.data(), answer.body.size());
  if (body.HasParseError() || !body.IsObject()) return out;
  if (auto text = text_member(body, "error"); !text.empty()) out.message = std::move(text);
  if (answer.status == 401) out.message += "; give it with --token or FACTORY_TOKEN";
  if (auto text = text_member(body, "field"); !text.empty()) out.field = std::move(text);
  const auto rows = body.FindMember("errors");
  if (rows == body.MemberEnd() || !rows->value.IsArray()) return out;
  for (const auto& row : rows->value.GetArray()) {
    if (!row.IsObject()) continue;
    const auto index = row.FindMember("index");
    const bool numbered = index != row.MemberEnd() && index->value.IsUint64();
    out.rows.push_back({numbered ? index->value.GetUint64() : 0, text_member(row, "field"), text_member(row, "reason")});
  }
  return out;
}

}  // namespace factory
