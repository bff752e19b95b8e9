# cmake -DPAGE=index.html -DOUTPUT=dashboard.cc -P embed.cmake: the page as C++, with a Content-Security-Policy that
# allows its own inline styles and scripts by their hashes, and nothing else.
cmake_minimum_required(VERSION 3.25)

# The base64 of a number in hexadecimal.
function(base64_of_hex hex out)
  set(letters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(LENGTH "${hex}" digits)
  set(text "")
  set(at 0)
  while(at LESS digits)
    string(SUBSTRING "${hex}" ${at} 6 group)
    string(LENGTH "${group}" have)
    string(SUBSTRING "${group}000000" 0 6 group)
    math(EXPR bits "0x${group}")
    math(EXPR letters_due "${have} * 4 / 6 + (${have} * 4 % 6 > 0)")
    foreach(shift 18 12 6 0)
      if(letters_due GREATER 0)
        math(EXPR index "(${bits} >> ${shift}) & 63")
        string(SUBSTRING "${letters}" ${index} 1 letter)
        string(APPEND text "${letter}")
        math(EXPR letters_due "${letters_due} - 1")
      else()
        string(APPEND text "=")
      endif()
    endforeach()
    math(EXPR at "${at} + 6")
  endwhile()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# " 'sha256-...'" for each <tag>...</tag> of the page, without attributes.
function(hashes_of page tag out)
  set(hashes "")
  set(rest "${page}")
  string(FIND "${rest}" "<${tag}>" from)
  while(NOT from EQUAL -1)
    string(LENGTH "<${tag}>" skip)
    math(EXPR from "${from} + ${skip}")
    string(SUBSTRING "${rest}" ${from} -1 rest)
    string(FIND "${rest}" "</${tag}>" until)
    if(until EQUAL -1)
      message(FATAL_ERROR "${PAGE}: <${tag}> without its end")
    endif()
    string(SUBSTRING "${rest}" 0 ${until} content)
    string(SHA256 hex "${content}")
    base64_of_hex("${hex}" base64)
    string(APPEND hashes " 'sha256-${base64}'")
    string(SUBSTRING "${rest}" ${until} -1 rest)
    string(FIND "${rest}" "<${tag}>" from)
  endwhile()
  if(hashes STREQUAL "")
    set(hashes " 'none'")
  endif()
  set(${out} "${hashes}" PARENT_SCOPE)
endfunction()

file(READ "${PAGE}" page)
foreach(tag script style)
  # With attributes it would come without a hash, and not work.
  if(page MATCHES "<${tag}[ \t\n]")
    message(FATAL_ERROR "${PAGE}: write <${tag}> without attributes")
  endif()
  hashes_of("${page}" ${tag} ${tag}_hashes)
endforeach()
string(CONCAT policy "default-src 'none'; script-src${script_hashes}; style-src${style_hashes}; connect-src 'self'; "
       "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")

file(READ "${PAGE}" hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"worker/admin/dashboard.h\"

namespace windlass {
namespace {

constexpr unsigned char kPage[] = {
${bytes}};

}  // namespace

absl::string_view DashboardPage() {
  return {reinterpret_cast<const char*>(kPage), sizeof(kPage)};
}

absl::string_view DashboardHeaders() {
  return \"Content-Security-Policy: ${policy}\\r\\nReferrer-Policy: no-referrer\\r\\n\";
}

}  // namespace windlass
")
