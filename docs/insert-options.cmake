# Puts the text of the file OPTIONS in place of @OPTIONS@ in TEMPLATE; writes OUT.
cmake_minimum_required(VERSION 3.23)
file(READ ${TEMPLATE} text)
file(READ ${OPTIONS} part)
string(REPLACE "@OPTIONS@" "${part}" text "${text}")
file(WRITE ${OUT} "${text}")
