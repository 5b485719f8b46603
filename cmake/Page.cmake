# Puts the sources of the page (lab/page/) into one C file of bytes, at build time:
#
#   cmake -DPAGE_SOURCE=DIR -DPAGE_OUT=FILE.c -P cmake/Page.cmake
#
# The order of the scripts is the order in which they need each other.
set(PAGE_SCRIPTS vendor/uPlot.iife.min.js data.js words.js dissect.js layout.js arrows.js series.js view.js sequence.js
    plots.js windows.js envelope.js happened.js tables.js topology.js player.js talks.js live.js main.js)
set(PAGE_STYLES vendor/uPlot.min.css page.css)
set(PAGE_FILES page.html vendor/uPlot.LICENSE ${PAGE_SCRIPTS} ${PAGE_STYLES})

if(NOT PAGE_OUT)
    return()
endif()

# `license` stands before what is not ours.
function(add_part name license)
    set(bytes "")
    if(license)
        file(READ ${PAGE_SOURCE}/vendor/uPlot.LICENSE text)
        string(HEX "/*! uPlot\n${text}*/\n" bytes)
    endif()
    foreach(file IN LISTS ARGN)
        file(READ ${PAGE_SOURCE}/${file} hex HEX)
        string(APPEND bytes "${hex}0a")
    endforeach()
    string(LENGTH "${bytes}" length)
    math(EXPR length "${length} / 2")
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    file(APPEND ${PAGE_OUT}.new "static const unsigned char ${name}[] = {\n${bytes}};\n"
        "const struct page_part page_${name} = {(const char *)${name}, ${length}};\n")
endfunction()

file(WRITE ${PAGE_OUT}.new "/* Made of lab/page/ by cmake/Page.cmake. */\n#include \"lab/page.h\"\n")
add_part(html "" page.html)
add_part(style license ${PAGE_STYLES})
add_part(script license ${PAGE_SCRIPTS})
file(RENAME ${PAGE_OUT}.new ${PAGE_OUT})
