@echo off
echo hunter2
pause
