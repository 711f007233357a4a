#include "pipelines/command/command.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

template <class Payload>
bool decode_as(std::uint8_t code, std::string_view bytes, command_payload& what) {
  if (code != Payload::code) return false;
  Payload read;
  if (!read.decode(bytes) || !bytes.empty()) return false;
  what = std::move(read);
  return true;
}

template <class... Payloads>
bool decode_payload(std::uint8_t code, std::string_view bytes, std::variant<Payloads...>& what) {
  return (decode_as<Payloads>(code, bytes, what) || ...);
}

}  // namespace

void put_command(std::string& out, const operator_command& command) {
  put_varint(out, command.sensor);
  put_text(out, command.who);
  std::visit(
      [&](const auto& payload) {
        std::string bytes;
        payload.encode(bytes);
        put_byte(out, payload.code);
        put_text(out, bytes);
      },
      command.what);
}

bool get_command(std::string_view& in, operator_command& command) {
  std::uint8_t code = 0;
  std::string_view payload;
  return get_varint_as(in, command.sensor) && get_text(in, command.who) && get_byte(in, code) && get_text(in, payload) &&
         decode_payload(code, payload, command.what);
}

}  // namespace factory
